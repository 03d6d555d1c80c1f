/** How often each caller may ask: a token bucket a key, in memory, bounded; each replica counts for itself. */
import { setTimeout as delay } from 'node:timers/promises';
import { Problem } from './domain/problem.ts';
import { fullBucket, refilled, take, type Bucket, type Rate } from './domain/token-bucket.ts';

/** Keys remembered at once. Past it, first those go that are full again: they are as good as forgotten. */
const MOST_KEYS = 20_000;
/** Of a flood, one refusal in so many ms is told by name. */
const TELL_MS = 10_000;

type Entry = { bucket: Bucket; toldAt: number; untold: number };

/** Refused by the rate. */
export class RateLimited extends Problem {
  /** Refusals of the key, this one among them, since one was told of; 0: this one need not be told of. */
  readonly toTell: number;

  constructor(rate: Rate, retryAfterMs: number, toTell: number) {
    super('rate-limited', 429, `More than ${rate.perSecond} requests a second came from one caller.`, {
      next: 'Ask less often; kubectl and client libraries try again by themselves.',
      // Whole seconds by RFC 9110; a second is much where a hundredth would do, and 0 is no pause at all.
      meta: { retryAfterSeconds: String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) },
    });
    this.toTell = toTell;
  }
}

export class RateLimiter {
  readonly #rate: Rate;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  #waiting = 0;

  /** `now` in ms. */
  constructor(rate: Rate, now: () => number) {
    this.#rate = rate;
    this.#now = now;
  }

  /** Callers that wait for their turn. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Resolves when it is the caller's turn. Throws {@link RateLimited} where too many wait already. */
  async pass(key: string): Promise<void> {
    const now = this.#now();
    const entry = this.#entryOf(key, now);
    const taken = take(entry.bucket, this.#rate, now);
    entry.bucket = taken.bucket;
    if (taken.kind === 'refused') throw this.#refusal(entry, taken.retryAfterMs, now);
    if (taken.waitMs === 0) return;
    this.#waiting++;
    try {
      await delay(taken.waitMs);
    } finally {
      this.#waiting--;
    }
  }

  #refusal(entry: Entry, retryAfterMs: number, now: number): RateLimited {
    entry.untold++;
    const told = now - entry.toldAt >= TELL_MS;
    const count = told ? entry.untold : 0;
    if (told) {
      entry.toldAt = now;
      entry.untold = 0;
    }
    return new RateLimited(this.#rate, retryAfterMs, count);
  }

  #entryOf(key: string, now: number): Entry {
    const known = this.#entries.get(key);
    if (known) return known;
    if (this.#entries.size >= MOST_KEYS) this.#makeRoom(now);
    const entry = { bucket: fullBucket(this.#rate, now), toldAt: -TELL_MS, untold: 0 };
    this.#entries.set(key, entry);
    return entry;
  }

  #makeRoom(now: number): void {
    for (const [key, { bucket }] of this.#entries)
      if (refilled(bucket, this.#rate, now).tokens >= this.#rate.burst) this.#entries.delete(key);
    if (this.#entries.size >= MOST_KEYS) this.#entries.delete(this.#entries.keys().next().value!);
  }
}
