'use client';
import { ProblemPanel } from './problem.tsx';

/** A page that broke while it was drawn: said plainly, with a way to try again; the dock is not touched by it. */
export function PageFailure({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <div className="mx-auto max-w-[720px] p-6">
      <ProblemPanel error={error} retry={reset}>
        {error.digest ? (
          <p className="mt-1 text-muted">
            Reference <code>{error.digest}</code>
          </p>
        ) : null}
      </ProblemPanel>
    </div>
  );
}
