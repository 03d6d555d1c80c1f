/** How often somebody may fail within a window of time. In memory, bounded; each replica counts for itself. */

export type RateLimitOptions = {
  /** Attempts within the window. */
  most: number;
  windowMs: number;
  now: () => Date;
};

/** Keys remembered at once. Past it, the ones that were quiet longest are forgotten. */
const MOST_KEYS = 20_000;

export class RateLimit {
  readonly #options: RateLimitOptions;
  /** Times of attempts by key, oldest first; keys in the order of their last attempt. */
  readonly #attempts = new Map<string, number[]>();

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /**
   * Counts an attempt before it is tried, so that many at once count as many. Returns 0, or the ms to wait where there
   * were too many; a refused attempt is not counted again.
   */
  attempt(key: string): number {
    const now = this.#options.now().getTime();
    const recent = (this.#attempts.get(key) ?? []).filter((at) => at > now - this.#options.windowMs);
    if (recent.length >= this.#options.most) return recent[0]! + this.#options.windowMs - now;
    this.#attempts.delete(key);
    if (this.#attempts.size >= MOST_KEYS) this.#attempts.delete(this.#attempts.keys().next().value!);
    recent.push(now);
    this.#attempts.set(key, recent);
    return 0;
  }

  /** Takes the last attempt back: it succeeded, or never was one. */
  forgive(key: string): void {
    const attempts = this.#attempts.get(key);
    attempts?.pop();
    if (!attempts?.length) this.#attempts.delete(key);
  }

  /** Forgets a key's attempts. */
  clear(key: string): void {
    this.#attempts.delete(key);
  }
}

/** One key for all that one customer line has: an IPv6 address counts as its /64. */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  const [left = '', right] = address.split('::');
  const head = left.split(':').filter(Boolean);
  const tail = right?.split(':').filter(Boolean) ?? [];
  const zeros = right === undefined ? [] : Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  return [...head, ...zeros, ...tail]
    .slice(0, 4)
    .map((part) => part.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':');
}
