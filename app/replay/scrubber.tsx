'use client';
import { EyeOff, FileUp, Layers, Lock, LogOut, Scissors, SquareTerminal, type LucideIcon } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { Mark } from '../../protocol/log.ts';
import { countdown } from '../lib/time.ts';
import { Icon } from '../ui/glyph.tsx';
import { activity, groupMarks, markWords, type ReplayMark, type SessionLog } from './session-log.ts';

const BARS = 160;
const markIcons: Record<Mark['mark'], LucideIcon> = {
  secret: Lock,
  'hidden-shell': EyeOff,
  file: FileUp,
  exit: LogOut,
  stream: SquareTerminal,
  cut: Scissors,
};

/** WCAG 2.2, 2.5.8: a target is at least this wide; here with a little air. */
const TARGET_PX = 26;

function words(mark: ReplayMark): string {
  return `${countdown(mark.atMs)}: ${markWords(mark.mark)}`;
}

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
  const line = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(400);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(entry!.contentRect.width));
    observer.observe(line.current!);
    return () => observer.disconnect();
  }, []);
  const groups = groupMarks(log.marks, span, width, TARGET_PX);
  const percent = (ms: number) => `${Math.min(100, (ms / span) * 100)}%`;
  return (
    <div ref={line} className="relative min-w-0 flex-1">
      {log.marks.length ? (
        <div className="relative h-6">
          {groups.map((group) => (
            <button
              key={group[0]!.atMs}
              type="button"
              title={group.map(words).join('\n')}
              aria-label={`Go to ${words(group[0]!)}${group.length > 1 ? ` and ${group.length - 1} more` : ''}`}
              className="absolute -ml-3 grid size-6 place-items-center rounded text-warn hover:bg-hover"
              style={{ left: percent(group[0]!.atMs) }}
              // Pressed again it goes on to the next that shares the button.
              onClick={() => onSeek((group.find((mark) => mark.atMs > atMs) ?? group[0]!).atMs)}
            >
              <Icon of={group.length > 1 ? Layers : markIcons[group[0]!.mark.mark]} size={12} />
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
