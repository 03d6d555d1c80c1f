'use client';
import { useMemo } from 'react';
import { keysOf } from './keys.ts';
import { firstAfter, type SessionLog } from './session-log.ts';

/** Typed just before this moment, at most this many pieces of input. */
const SHOWN = 60;

/** The lane of keystrokes: what was typed up to the moment, the last of it on the right. */
export function Keystrokes({ log, atMs }: { log: SessionLog; atMs: number }) {
  const until = firstAfter(log.inputs, atMs);
  const keys = useMemo(() => {
    const parts = log.inputs.slice(Math.max(0, until - SHOWN), until).map(({ bytes }) => bytes);
    const decoder = new TextDecoder();
    return keysOf(parts.map((part) => decoder.decode(part, { stream: true })).join('')).slice(-40);
  }, [log, until]);
  return (
    <div className="flex h-7 items-center gap-2 overflow-hidden border-t px-3 text-[12.5px]">
      <span className="shrink-0 text-muted">Typed</span>
      <span className="flex min-w-0 flex-1 items-center justify-end gap-1 overflow-hidden font-mono whitespace-pre">
        {keys.length === 0 ? <span className="text-muted">nothing yet</span> : null}
        {keys.map((key, index) =>
          key.special ? (
            // oxlint-disable-next-line react/no-array-index-key -- a key is its place
            <kbd key={index} className="kbd !h-[18px] shrink-0">
              {key.text}
            </kbd>
          ) : (
            // oxlint-disable-next-line react/no-array-index-key -- a key is its place
            <span key={index} className="shrink-0">
              {key.text.slice(-120)}
            </span>
          ),
        )}
      </span>
    </div>
  );
}
