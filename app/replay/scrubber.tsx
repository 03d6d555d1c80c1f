'use client';
import { EyeOff, FileUp, Lock, LogOut, type LucideIcon } from 'lucide-react';
import { useMemo } from 'react';
import type { Mark } from '../../protocol/log.ts';
import { countdown } from '../lib/time.ts';
import { Icon } from '../ui/glyph.tsx';
import { activity, markWords, type SessionLog } from './session-log.ts';

const BARS = 160;
const markIcons: Record<Mark['mark'], LucideIcon> = {
  secret: Lock,
  'hidden-shell': EyeOff,
  file: FileUp,
  exit: LogOut,
};

/** Where the replay is: how busy the session was, what is marked, and a slider over all of it. */
export function Scrubber({
  log,
  version,
  atMs,
  onSeek,
}: {
  log: SessionLog;
  version: number;
  atMs: number;
  onSeek: (ms: number) => void;
}) {
  // The log grows in place; its version says when.
  // oxlint-disable-next-line react/exhaustive-deps
  const bars = useMemo(() => activity(log, BARS), [log, version]);
  const span = Math.max(1, log.durationMs);
  const percent = (ms: number) => `${Math.min(100, (ms / span) * 100)}%`;
  return (
    <div className="relative min-w-0 flex-1">
      {log.marks.length ? (
        <div className="relative h-6">
          {log.marks.slice(0, 200).map((mark) => (
            <button
              key={`${mark.atMs} ${mark.mark.mark}`}
              type="button"
              title={`${countdown(mark.atMs)} ${markWords(mark.mark)}`}
              aria-label={`Go to ${countdown(mark.atMs)}: ${markWords(mark.mark)}`}
              className="absolute -ml-3 grid size-6 place-items-center rounded text-warn hover:bg-hover"
              style={{ left: percent(mark.atMs) }}
              onClick={() => onSeek(mark.atMs)}
            >
              <Icon of={markIcons[mark.mark.mark]} size={12} />
            </button>
          ))}
        </div>
      ) : null}
      <div className="relative h-7">
        <svg
          aria-hidden="true"
          viewBox={`0 0 ${BARS} 20`}
          preserveAspectRatio="none"
          className="absolute inset-x-0 top-0 h-5 w-full text-accent/45"
        >
          {bars.map((bar, index) => (
            // oxlint-disable-next-line react/no-array-index-key -- a bar is its place
            <rect key={index} x={index} width={0.8} y={20 - bar * 19} height={bar * 19} fill="currentColor" />
          ))}
        </svg>
        <input
          type="range"
          className="scrubber absolute inset-x-0 bottom-0 w-full"
          aria-label="Moment of the recording"
          aria-valuetext={`${countdown(atMs)} of ${countdown(span)}`}
          min={0}
          max={span}
          step="any"
          value={Math.min(atMs, span)}
          onChange={(event) => onSeek(Number(event.target.value))}
        />
      </div>
    </div>
  );
}
