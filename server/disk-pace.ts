/**
 * Whether a disk takes a small write at once: of a recording, of the audit journal. A write that this process does
 * itself holds up everybody's terminal where the disk is slow (a page cache that is full of what is not on the disk yet): after one that did, writes
 * go through other threads for a while. It is noticed by the first who waits: a disk of this machine's own is trusted to
 * answer, any other is never written to at once (file-system.ts).
 */

/** A write into the page cache takes some 10 µs; one that takes this long waited for a disk. */
const SLOW_MS = 10;
/** So at most a thousandth of the time is spent waiting. */
const SPARE_MS = 10_000;

export class DiskPace {
  readonly #clock: () => number;
  #spareUntil = 0;

  /** `clock`: ms, of any origin. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  get quick(): boolean {
    return this.#spareUntil === 0 || this.#clock() >= this.#spareUntil;
  }

  /** A write that was done at once took this many ms. */
  took(ms: number): void {
    this.#spareUntil = ms >= SLOW_MS ? this.#clock() + SPARE_MS : 0;
  }
}
