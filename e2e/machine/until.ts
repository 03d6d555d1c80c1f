/** Waits for a condition: no part here sleeps for a time and hopes. */
import { setTimeout as delay } from 'node:timers/promises';

export type UntilOptions = {
  /** ms until giving up. */
  within?: number | undefined;
  /** ms between two looks; the first ones follow each other faster, for what comes at once. */
  every?: number;
  /** Said when time runs out; a function is asked only then. */
  what: string | (() => string | Promise<string>);
};

const FIRST_PAUSE_MS = 2;

/** Resolves with the first value that is neither undefined nor false. Errors of `look` count as "not yet". */
export async function until<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { within = 30_000, every = 50, what }: UntilOptions,
): Promise<T> {
  const end = Date.now() + within;
  let last: unknown;
  for (let pause = Math.min(FIRST_PAUSE_MS, every); ; pause = Math.min(pause * 2, every)) {
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value;
      last = undefined;
    } catch (error) {
      if (error instanceof GivenUp) throw error;
      last = error;
    }
    if (Date.now() >= end) {
      const text = typeof what === 'string' ? what : await what();
      throw new Error(`waited ${within / 1000} s in vain: ${text}`, { cause: last });
    }
    await delay(pause);
  }
}

/** Thrown by a look that knows that waiting is in vain. */
export class GivenUp extends Error {
  override name = 'GivenUp';
}
