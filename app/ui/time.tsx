'use client';
import { useEffect, useState } from 'react';
import { absoluteTime, relativeTime } from '../lib/time.ts';

/** The present, renewed each `everyMs`. */
export function useNow(everyMs: number): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** A moment: relative in the text, absolute on hover. */
export function Time({ at, className }: { at: string; className?: string }) {
  const now = useNow(20_000);
  const date = new Date(at);
  return (
    <time dateTime={at} title={absoluteTime(date)} className={className} suppressHydrationWarning>
      {relativeTime(date, now)}
    </time>
  );
}

/** When it was used last, in a row of facts. */
export function LastUse({ at }: { at: string | null }) {
  return (
    <span className="text-muted">
      {at === null ? (
        'never used'
      ) : (
        <>
          used <Time at={at} />
        </>
      )}
    </span>
  );
}
