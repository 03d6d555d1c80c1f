/**
 * Buffers of one size that are used again, of one owner: made anew for each use, they would be the collector's work.
 * What is in them is what was there before.
 */
export class SpareBuffers {
  readonly #size: number;
  readonly #most: number;
  readonly #spare: Buffer[] = [];

  /** `most`: kept; fewer than are in use together, and some are made anew all the time. */
  constructor(size: number, most: number) {
    this.#size = size;
    this.#most = most;
  }

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#size);
  }

  /** Once nobody reads it any more. */
  giveBack(buffer: Buffer): void {
    if (this.#spare.length < this.#most) this.#spare.push(buffer);
  }
}
