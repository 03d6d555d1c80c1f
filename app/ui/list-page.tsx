import type { ReactNode } from 'react';

/** A page that is one list: the list takes the height that is left and scrolls by itself. */
export function ListPage({
  title,
  count,
  more = false,
  actions,
  children,
}: {
  title: string;
  count?: number | undefined;
  /** The count goes on beyond what was read. */
  more?: boolean;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <div className="mx-auto flex h-full min-h-[320px] w-full max-w-[1600px] flex-col px-4 py-4 md:px-6">
      <div className="mb-3 flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
        <h1>
          {title}
          {count === undefined ? null : (
            <span className="ml-2 text-[14px] font-normal text-muted">
              {count.toLocaleString('en')}
              {more ? '+' : ''}
            </span>
          )}
        </h1>
        {actions ? <div className="flex w-full flex-wrap items-center gap-2 md:w-auto">{actions}</div> : null}
      </div>
      {children}
    </div>
  );
}
