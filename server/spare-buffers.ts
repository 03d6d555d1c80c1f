/**
 * Buffers of one size that are used again, of one owner: made anew for each use, they would be the collector's work.
 * What is in them is what was there before.
 */
export class SpareBuffers {
  readonly #size: number;
  readonly #spare: Buffer[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#size);
  }

  /** Once nobody reads it any more. */
  giveBack(buffer: Buffer): void {
    if (this.#spare.length < SPARE_MOST) this.#spare.push(buffer);
  }
}

/** One fills while another is written. */
const SPARE_MOST = 2;
