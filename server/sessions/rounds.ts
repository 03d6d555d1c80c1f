/** Work that is asked for from several sides: one round at a time, and another after it for whoever asked meanwhile. */
export class Rounds {
  readonly #work: () => Promise<void>;
  #again = false;
  #running: Promise<void> | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Undefined while nothing runs. */
  get running(): Promise<void> | undefined {
    return this.#running;
  }

  /** Resolves after a round that began no earlier than now. Throws what the work throws. */
  run(): Promise<void> {
    // A round that runs may have looked already at what has changed since.
    this.#again = true;
    this.#running ??= this.#runAll();
    return this.#running;
  }

  async #runAll(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        await this.#work();
      }
    } finally {
      this.#running = undefined;
    }
  }
}
