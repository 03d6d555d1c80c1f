'use client';
import { OctagonAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { toProblem } from '../lib/problem.ts';
import { Button } from './button.tsx';
import { CopyButton } from './copy.tsx';
import { Icon } from './glyph.tsx';

/** Statuses that asking once more cannot change. */
const DECIDED = new Set([403, 404]);

/** An error as people need it: what happened, what it means, what to do next, and a correlation id to copy. */
export function ProblemPanel({
  error,
  retry,
  compact,
  children,
}: {
  error: unknown;
  retry?: () => void;
  compact?: boolean;
  children?: ReactNode;
}) {
  const problem = toProblem(error);
  return (
    <div
      role="alert"
      className={`rounded-lg border border-bad/40 bg-bad-soft text-text ${compact ? 'px-3 py-2' : 'px-4 py-3'}`}
    >
      <div className="flex items-start gap-2.5">
        <Icon of={OctagonAlert} size={16} className="mt-0.5 text-bad" />
        <div className="min-w-0 flex-1">
          <p className="font-semibold break-words">{problem.title}</p>
          {problem.detail && problem.detail !== problem.title ? (
            <p className="mt-0.5 break-words">{problem.detail}</p>
          ) : null}
          {problem.next ? <p className="mt-1 text-muted">{problem.next}</p> : null}
          {problem.correlationId ? (
            <p className="mt-1.5 flex flex-wrap items-center gap-1 text-muted">
              Correlation id <code className="break-all text-text">{problem.correlationId}</code>
              <CopyButton text={problem.correlationId} label="Copy the correlation id" bare />
            </p>
          ) : null}
          {children}
          {retry && !DECIDED.has(problem.status) ? (
            <Button size="sm" className="mt-2" onClick={retry}>
              Try again
            </Button>
          ) : null}
        </div>
      </div>
    </div>
  );
}
