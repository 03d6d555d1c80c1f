/** When a recording gets a checkpoint of its screen: at a quiet moment, so that no keystroke waits for its making. */

/** A checkpoint is due once this much came since the last one, and made when nothing was written for this long… */
const BYTES = 4 * 1024 * 1024;
const QUIET_MS = 500;
/** …or, in a terminal that is never quiet, after this much: some seconds of work, which a page would wait for. */
const LATEST_BYTES = 128 * 1024 * 1024;

export class CheckpointClock implements Disposable {
  readonly #make: (offset: number) => void;
  #last = 0;
  #end = 0;
  #writtenAt = 0;
  #quiet: NodeJS.Timeout | undefined;

  /** `make` is told the offset of the log up to which everything is written. */
  constructor(make: (offset: number) => void) {
    this.#make = make;
  }

  /** The recording is open and has this much. */
  start(end: number): void {
    this.#last = this.#end = end;
  }

  /** The log is written up to `end`. */
  written(end: number): void {
    this.#end = end;
    this.#writtenAt = performance.now();
    if (end - this.#last > LATEST_BYTES) this.#now();
    else if (end - this.#last > BYTES) this.#quiet ??= setTimeout(() => this.#whenQuiet(), QUIET_MS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#quiet);
  }

  #whenQuiet(): void {
    this.#quiet = undefined;
    const left = QUIET_MS - (performance.now() - this.#writtenAt);
    if (left > 0) this.#quiet = setTimeout(() => this.#whenQuiet(), left);
    else this.#now();
  }

  #now(): void {
    this.#last = this.#end;
    this.#make(this.#end);
  }
}
