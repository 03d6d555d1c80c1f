'use client';
import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { Icon } from './glyph.tsx';
import { useDialogFocus } from './use-dialog-focus.ts';

/** A modal dialog: named, closed by Escape, focus kept inside and given back. */
export function Dialog({
  open,
  onClose,
  title,
  description,
  children,
  wide,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: ReactNode;
  children: ReactNode;
  wide?: boolean;
}) {
  const focus = useDialogFocus();
  return (
    <Radix.Root open={open} onOpenChange={(next) => (next ? undefined : onClose())}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-50 bg-black/45" />
        <Radix.Content
          className={`card wrap-anywhere fixed top-[8vh] left-1/2 z-50 flex max-h-[84vh] w-[calc(100vw-24px)] -translate-x-1/2 flex-col shadow-pop ${wide ? 'max-w-[760px]' : 'max-w-[500px]'}`}
          {...(description ? {} : { 'aria-describedby': undefined })}
          {...focus}
        >
          <div className="flex items-start justify-between gap-4 border-b px-4 pt-3.5 pb-3">
            <div>
              <Radix.Title className="text-[15px]">{title}</Radix.Title>
              {description ? <Radix.Description className="mt-0.5 text-muted">{description}</Radix.Description> : null}
            </div>
            <Radix.Close asChild>
              <Button kind="ghost" size="sm" icon aria-label="Close">
                <Icon of={X} />
              </Button>
            </Radix.Close>
          </div>
          <div className="overflow-y-auto px-4 py-4">{children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="mt-5 flex flex-wrap justify-end gap-2">{children}</div>;
}
