'use client';
import { useState, type ComponentProps, type ReactNode } from 'react';
import { Dialog } from './dialog.tsx';
import { DialogForm } from './dialog-form.tsx';
import { TextField } from './text-field.tsx';

type Question = {
  onClose: () => void;
  action: string;
  act: () => Promise<unknown>;
  /** Danger, unless said otherwise. */
  kind?: ComponentProps<typeof DialogForm>['kind'];
  typed?: string;
  children: ReactNode;
};

/**
 * Asks before something is done; `typed` asks for that name as well, for what cannot be undone. Errors stay in the
 * dialog, which closes when `act` succeeds.
 */
export function Confirm({ open, title, ...question }: Question & { open: boolean; title: string }) {
  return (
    <Dialog open={open} onClose={question.onClose} title={title}>
      <Ask {...question} />
    </Dialog>
  );
}

/** Within the dialog, so that what was typed and what failed go with it. */
function Ask({ onClose, action, act, kind = 'danger', typed, children }: Question) {
  const [text, setText] = useState('');
  return (
    <DialogForm
      action={action}
      kind={kind}
      blocked={typed && text !== typed ? 'the name is not typed yet' : null}
      onCancel={onClose}
      act={async () => {
        await act();
        onClose();
      }}
    >
      <div className="space-y-2">{children}</div>
      {typed ? (
        <TextField
          label={`Type ${typed} to go on`}
          value={text}
          autoComplete="off"
          spellCheck={false}
          onChange={setText}
        />
      ) : null}
    </DialogForm>
  );
}
