'use client';
import { CircleCheck, OctagonAlert, X } from 'lucide-react';
import { toProblem } from '../lib/problem.ts';
import { Store, useStore } from '../lib/store.ts';
import { Button } from './button.tsx';
import { Icon } from './glyph.tsx';

type Toast = { id: number; kind: 'done' | 'failed'; text: string; next?: string };

const toasts = new Store<Toast[]>([]);
let lastId = 0;
/** Long enough to read twice; a failure stays until it is closed. */
const DONE_MS = 5_000;

function push(toast: Omit<Toast, 'id'>): void {
  const id = ++lastId;
  toasts.update((list) => [...list.slice(-3), { ...toast, id }]);
  if (toast.kind === 'done') setTimeout(() => dismiss(id), DONE_MS);
}

function dismiss(id: number): void {
  toasts.update((list) => list.filter((toast) => toast.id !== id));
}

/** Says that something was done, without stopping the person. */
export function toast(text: string): void {
  push({ kind: 'done', text });
}

export function toastFailure(error: unknown): void {
  const problem = toProblem(error);
  const id = problem.correlationId ? ` (correlation id ${problem.correlationId})` : '';
  push({ kind: 'failed', text: `${problem.detail ?? problem.title}${id}`, next: problem.next });
}

export function Toaster() {
  const list = useStore(toasts);
  return (
    <div
      aria-live="polite"
      className="pointer-events-none fixed right-4 bottom-14 z-[70] flex w-[min(400px,calc(100vw-32px))] flex-col gap-2"
    >
      {list.map((item) => (
        <div key={item.id} className="card pointer-events-auto flex items-start gap-2.5 px-3 py-2.5 shadow-pop">
          <Icon
            of={item.kind === 'done' ? CircleCheck : OctagonAlert}
            className={`mt-0.5 ${item.kind === 'done' ? 'text-ok' : 'text-bad'}`}
          />
          <div className="min-w-0 flex-1">
            <p className="break-words">{item.text}</p>
            {item.next ? <p className="text-muted">{item.next}</p> : null}
          </div>
          <Button kind="ghost" size="sm" icon aria-label="Close this message" onClick={() => dismiss(item.id)}>
            <Icon of={X} size={13} />
          </Button>
        </div>
      ))}
    </div>
  );
}
