/** Waits for a condition; a test never sleeps for a guessed time. */
import { setTimeout as pause } from 'node:timers/promises';

/** Rejects, naming what was awaited, after the timeout (ms). */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 15_000,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await pause(5);
  }
}
