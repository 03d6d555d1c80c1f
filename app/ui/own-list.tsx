'use client';
import type { UseQueryResult } from '@tanstack/react-query';
import { Plus, type LucideIcon } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import type { Page } from '../../server/http/schemas.ts';
import { Button } from './button.tsx';
import { Confirm } from './confirm.tsx';
import { Icon } from './glyph.tsx';
import { Empty, Waiting } from './layout.tsx';
import { ProblemPanel } from './problem.tsx';

/** A section with a short list of what somebody holds: more is made, and each is taken back after a question. */
export function OwnList<T extends { id: string }>({
  id,
  title,
  note,
  list,
  waiting,
  empty,
  add,
  row,
  top,
  remove,
  refresh,
}: {
  /** Of the heading. */
  id: string;
  title: string;
  note?: ReactNode;
  list: UseQueryResult<Page<T>>;
  waiting: string;
  empty: { icon: LucideIcon; title: string; words: ReactNode };
  /** `blocked`: why nobody may. `form` is open until it calls `close`. */
  add: { action: string; blocked?: string | null; form: (close: () => void) => ReactNode };
  /** What is shown of one, before its button. */
  row: (item: T) => ReactNode;
  /** Rows of several lines have their button at the top. */
  top?: boolean;
  remove: {
    action: string;
    label: (item: T) => string;
    blocked?: (item: T) => string | null;
    question: (item: T | null) => string;
    words: string;
    act: (item: T) => Promise<unknown>;
  };
  /** Asks for the list anew. */
  refresh: () => Promise<unknown>;
}) {
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<T | null>(null);
  const button = (
    <Button kind="primary" blocked={add.blocked ?? null} onClick={() => setAdding(true)}>
      <Icon of={Plus} /> {add.action}
    </Button>
  );
  const close = () => {
    setAdding(false);
    void refresh();
  };
  return (
    <section className="mb-6" aria-labelledby={id}>
      <div className="mb-3 flex items-center justify-between gap-4">
        <h2 id={id}>{title}</h2>
        {list.data?.items.length ? button : null}
      </div>
      {note ? <p className="mb-3 text-muted">{note}</p> : null}
      {list.error && !list.data ? (
        <ProblemPanel error={list.error} retry={() => void list.refetch()} />
      ) : list.data === undefined ? (
        <Waiting>{waiting}</Waiting>
      ) : list.data.items.length === 0 ? (
        <Empty icon={empty.icon} title={empty.title} action={button}>
          {empty.words}
        </Empty>
      ) : (
        <ul className="card divide-y" aria-label={title}>
          {list.data.items.map((item) => (
            <li
              key={item.id}
              className={`flex flex-wrap gap-x-5 gap-y-1 px-4 py-2.5 ${top ? 'items-start' : 'items-center'}`}
            >
              {row(item)}
              <Button
                size="sm"
                kind="danger"
                className="ml-auto"
                aria-label={remove.label(item)}
                blocked={remove.blocked?.(item) ?? null}
                onClick={() => setRemoving(item)}
              >
                {remove.action}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {adding ? add.form(close) : null}
      <Confirm
        open={removing !== null}
        onClose={() => setRemoving(null)}
        title={remove.question(removing)}
        action={remove.action}
        act={async () => {
          await remove.act(removing!);
          await refresh();
        }}
      >
        <p>{remove.words}</p>
      </Confirm>
    </section>
  );
}
