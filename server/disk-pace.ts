/**
 * Whether a disk takes a small write at once: of a recording, of the audit journal. A write that this process does
 * itself holds up everybody's terminal where the disk is slow (a page cache that is full of what is not on the disk
 * yet): once that has taken too much of the time, writes go through other threads for a while. It is noticed by the
 * first who waits: a disk of this machine's own is trusted to answer, any other is never written to at once
 * (file-system.ts).
 */

/** A write into the page cache takes some 10 µs; one that takes this long waited: for a disk, or for the processor. */
const SLOW_MS = 10;
/** Waiting for the processor on a busy machine is not the disk's doing, and stays below this, as it comes and goes. */
const ALLOWED_MS = 50;
/** What is forgotten of it with time, so that at most a two-hundredth of the time is spent waiting. */
const FORGOTTEN = 1 / 200;

export class DiskPace {
  readonly #clock: () => number;
  #waitedMs = 0;
  #at = 0;

  /** `clock`: ms, of any origin. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  get quick(): boolean {
    return this.#waitedMs < ALLOWED_MS || this.#waited() < ALLOWED_MS;
  }

  /** A write that was done at once took this many ms. */
  took(ms: number): void {
    if (ms < SLOW_MS) return;
    this.#waitedMs = this.#waited() + ms;
    this.#at = this.#clock();
  }

  #waited(): number {
    return Math.max(0, this.#waitedMs - (this.#clock() - this.#at) * FORGOTTEN);
  }
}
