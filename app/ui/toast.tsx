'use client';
import { CircleCheck, OctagonAlert, TriangleAlert, X, type LucideIcon } from 'lucide-react';
import { toProblem } from '../lib/problem.ts';
import { Store, useHydratedStore, useStore } from '../lib/store.ts';
import { closeUnconfirmed, unconfirmed, unconfirmedSentence } from '../lib/unconfirmed.ts';
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
      <Unconfirmed />
      {list.map((item) => (
        <Message
          key={item.id}
          icon={item.kind === 'done' ? CircleCheck : OctagonAlert}
          tone={item.kind === 'done' ? 'text-ok' : 'text-bad'}
          text={item.text}
          next={item.next}
          onClose={() => dismiss(item.id)}
        />
      ))}
    </div>
  );
}

/** A change that a replica has not heard of is a matter for whoever runs the portal: it stays until it is closed. */
function Unconfirmed() {
  const replicas = useHydratedStore(unconfirmed, 0);
  if (!replicas) return null;
  return (
    <Message
      icon={TriangleAlert}
      tone="text-warn"
      text={unconfirmedSentence(replicas)}
      next="Tell whoever runs the portal: that replica is stuck or cannot reach the database. Its log and the others’ say which."
      onClose={closeUnconfirmed}
    />
  );
}

function Message({
  icon,
  tone,
  text,
  next,
  onClose,
}: {
  icon: LucideIcon;
  tone: string;
  text: string;
  next?: string | undefined;
  onClose: () => void;
}) {
  return (
    <div className="card pointer-events-auto flex items-start gap-2.5 px-3 py-2.5 shadow-pop">
      <Icon of={icon} className={`mt-0.5 ${tone}`} />
      <div className="min-w-0 flex-1">
        <p className="break-words">{text}</p>
        {next ? <p className="text-muted">{next}</p> : null}
      </div>
      <Button kind="ghost" size="sm" icon aria-label="Close this message" onClick={onClose}>
        <Icon of={X} size={13} />
      </Button>
    </div>
  );
}
