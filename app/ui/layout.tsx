import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { Icon } from './glyph.tsx';

/** A page's head and body. One h1 a page. */
export function PageBody({
  title,
  intro,
  actions,
  children,
  wide,
}: {
  title: ReactNode;
  intro?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  wide?: boolean;
}) {
  return (
    <div className={`mx-auto w-full px-4 py-5 md:px-6 ${wide ? 'max-w-[1600px]' : 'max-w-[1180px]'}`}>
      <div className="mb-4 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div className="min-w-0">
          <h1 className="wrap-anywhere">{title}</h1>
          {intro ? <p className="mt-0.5 max-w-[80ch] text-muted">{intro}</p> : null}
        </div>
        {actions ? <div className="flex max-w-full flex-wrap items-center gap-2">{actions}</div> : null}
      </div>
      {children}
    </div>
  );
}

/** What would be here, and how to get it. */
export function Empty({
  icon,
  title,
  children,
  action,
}: {
  icon: LucideIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="flex flex-col items-center rounded-lg border border-dashed border-line-strong px-6 py-12 text-center">
      <Icon of={icon} size={26} className="mb-3 text-muted" />
      <p className="font-semibold">{title}</p>
      {children ? <div className="mt-1 max-w-[56ch] text-muted">{children}</div> : null}
      {action ? <div className="mt-4">{action}</div> : null}
    </div>
  );
}

/** Waiting says what for, and only once it lasts (the class appears after 300 ms). */
export function Waiting({ children }: { children: string }) {
  return (
    <p role="status" className="appear flex items-center gap-2 py-8 text-muted">
      <span aria-hidden="true" className="pulse size-2 rounded-full bg-accent" />
      {children}
    </p>
  );
}

export function Facts({ children }: { children: ReactNode }) {
  return <dl className="grid grid-cols-[max-content_minmax(0,1fr)] gap-x-5 gap-y-1.5">{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  );
}
