'use client';
import { Gauge, Pause, Play, SkipForward } from 'lucide-react';
import { useEffect, type KeyboardEvent } from 'react';
import { useStore } from '../lib/store.ts';
import { countdown } from '../lib/time.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/glyph.tsx';
import { SPEEDS } from './clock.ts';
import { Keystrokes } from './keystrokes.tsx';
import type { Player } from './player.ts';
import { Screen } from './screen.tsx';
import { Scrubber } from './scrubber.tsx';
import { RecordingSearch } from './search.tsx';

/** Steps of the arrow keys, plain and with Shift. */
const STEP_MS = 5_000;
const LEAP_MS = 30_000;
/** Where a replay starts when its address does not say: a black screen tells nothing. */
const FIRST_SCREEN_MS = 1_000;

/** A recording with its controls; `startAt` is where the address points to. */
export function Replay({
  recording,
  player,
  version,
  startAt,
}: {
  /** Its address. */
  recording: string;
  player: Player;
  version: number;
  startAt: number;
}) {
  const view = useStore(player.view);
  const { log } = player;
  useEffect(() => {
    void player.seek(startAt || Math.min(FIRST_SCREEN_MS, player.log.durationMs));
    // oxlint-disable-next-line react/exhaustive-deps -- where it starts, once
  }, [player]);

  const onKey = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || /^(TEXTAREA|SELECT)$/.test(target.tagName)) return;
    if (target instanceof HTMLInputElement && target.type !== 'range') return;
    const by = (ms: number) => void player.seek(view.atMs + ms);
    const keys: Record<string, () => void> = {
      ' ': () => player.toggle(),
      ArrowLeft: () => by(event.shiftKey ? -LEAP_MS : -STEP_MS),
      ArrowRight: () => by(event.shiftKey ? LEAP_MS : STEP_MS),
      '<': () => player.faster(-1),
      '>': () => player.faster(1),
      Home: () => void player.seek(0),
      End: () => void player.seek(log.durationMs),
      '.': () => player.step(),
    };
    const act = keys[event.key];
    // A focused button keeps the space bar: it presses it.
    if (!act || (event.key === ' ' && target instanceof HTMLButtonElement)) return;
    event.preventDefault();
    act();
  };

  return (
    <section aria-label="Recording" className="card flex min-h-0 flex-1 flex-col overflow-hidden" onKeyDown={onKey}>
      <RecordingSearch recording={recording} onSeek={(ms) => void player.seek(ms)} />
      <div
        tabIndex={0}
        role="group"
        aria-label="Recorded screen: space plays and pauses, arrow keys move"
        className="relative flex min-h-0 flex-1 flex-col -outline-offset-2"
      >
        <Screen player={player} />
        {view.seeking ? (
          <p role="status" className="appear card absolute top-3 right-3 z-10 px-3 py-1.5 shadow-pop">
            Going to {countdown(view.atMs)}…
          </p>
        ) : null}
      </div>
      <Keystrokes log={log} atMs={view.atMs} />
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-t px-3 py-2">
        <Button
          kind="primary"
          icon
          aria-label={view.playing ? 'Pause' : 'Play'}
          title={view.playing ? 'Pause (space)' : 'Play (space)'}
          onClick={() => player.toggle()}
        >
          <Icon of={view.playing ? Pause : Play} />
        </Button>
        <Button icon aria-label="Next output" title="Next output (.)" onClick={() => player.step()}>
          <Icon of={SkipForward} />
        </Button>
        <span className="min-w-[92px] whitespace-nowrap">
          {countdown(view.atMs)} <span className="text-muted">/ {countdown(log.durationMs)}</span>
        </span>
        <div className="order-last w-full md:order-none md:w-auto md:flex-1">
          <Scrubber log={log} version={version} atMs={view.atMs} onSeek={(ms) => void player.seek(ms)} />
        </div>
        <label className="flex items-center gap-1.5">
          <Icon of={Gauge} className="text-muted" />
          <span className="sr-only">Speed</span>
          <select
            className="input w-auto"
            value={view.speed}
            onChange={(event) => player.setSpeed(Number(event.target.value))}
          >
            {SPEEDS.map((speed) => (
              <option key={speed} value={speed}>
                {speed}×
              </option>
            ))}
          </select>
        </label>
        <label className="flex items-center gap-1.5">
          <input
            type="checkbox"
            checked={view.skipIdle}
            onChange={(event) => player.setSkipIdle(event.target.checked)}
          />
          Skip idle
        </label>
      </div>
    </section>
  );
}
