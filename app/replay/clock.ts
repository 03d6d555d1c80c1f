/** The replay's clock: recorded time against real time. Pure. */

export const SPEEDS = [0.5, 1, 2, 4, 8, 16] as const;
/** A pause longer than this is idle; it is shown for this long, so that one sees that there was a pause. */
export const IDLE_SHOWN_MS = 1_000;

export type Pace = { speed: number; skipIdle: boolean };

/**
 * Where the recording is after `elapsedMs` of real time. `next` is the moment of the first thing that happens after
 * a position; null where nothing does. Idle time beyond {@link IDLE_SHOWN_MS} is skipped when asked.
 */
export function advance(
  position: number,
  elapsedMs: number,
  { speed, skipIdle }: Pace,
  durationMs: number,
  next: (position: number) => number | null,
  last: (position: number) => number,
): number {
  const target = position + elapsedMs * speed;
  if (!skipIdle) return Math.min(durationMs, target);
  let at = position;
  let left = target - position;
  while (left > 0 && at < durationMs) {
    const upcoming = next(at) ?? durationMs;
    const quietFrom = last(at) + IDLE_SHOWN_MS;
    // Inside the shown part of a pause, or on the way to something near: time passes as it did.
    const stop = upcoming > quietFrom ? Math.max(at, quietFrom) : upcoming;
    const step = Math.min(left, stop - at);
    at += step;
    left -= step;
    if (left <= 0) break;
    // The shown part is over: jump.
    if (at >= quietFrom && upcoming > at) at = upcoming;
    else if (at >= upcoming && step === 0) break;
  }
  return Math.min(durationMs, at);
}

/** The next speed in a direction; stays at the ends. */
export function nextSpeed(speed: number, direction: 1 | -1): number {
  const at = SPEEDS.indexOf(speed as (typeof SPEEDS)[number]);
  return SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at + direction))] ?? 1;
}
