/** When the PTY may be read: a slow reader slows the program, and nothing fills memory. See docs/protocol.md. */

/** A screen half a second behind at full speed; more would only make Ctrl-C look dead. */
export const RENDER_LIMIT = 512 * 1024;
/** What a session may produce while no portal records it. */
export const RECORD_LIMIT = 4 * 1024 * 1024;

export class Brakes {
  #viewer = false;
  #rendered = 0;
  #recorded = 0;
  #held = false;

  /** A browser came or went. What is in the log when it comes is not held against it. */
  viewer(attached: boolean, logEnd: number): void {
    if (attached && !this.#viewer) this.#rendered = Math.max(this.#rendered, logEnd);
    this.#viewer = attached;
  }

  rendered(offset: number, logEnd: number): void {
    this.#rendered = Math.max(this.#rendered, Math.min(offset, logEnd));
  }

  recorded(offset: number, logEnd: number): void {
    this.#recorded = Math.max(this.#recorded, Math.min(offset, logEnd));
  }

  get recordedTo(): number {
    return this.#recorded;
  }

  /** Whether reading must stop now. Once it has, it goes on at half of the limit, so that it is not all stop and go. */
  hold(logEnd: number): boolean {
    const share = this.#held ? 0.5 : 1;
    this.#held =
      (this.#viewer && logEnd - this.#rendered > RENDER_LIMIT * share) ||
      logEnd - this.#recorded > RECORD_LIMIT * share;
    return this.#held;
  }
}
