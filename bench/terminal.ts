/** What every client of a comparison can do, so that the same measurement runs against each. */

export interface BenchTerminal {
  /** Sends input at once, as one message. */
  write(bytes: string | Uint8Array): void;
  /** From now on the handler gets each run of output, in order, and first what came before anybody listened. */
  listen(handler: (bytes: Buffer) => void): void;
  /** Resolves when the client's connection is gone; rejects nothing. */
  close(): Promise<void>;
  /** Stops and starts reading from the network: what a page does that does not come after. */
  pause(): void;
  resume(): void;
}

/** What a client calls with its output: nothing is lost between the connection and the first listener. */
export class Outlet {
  #early: Buffer[] = [];
  #handler = (bytes: Buffer): void => void this.#early.push(bytes);

  push(bytes: Buffer): void {
    this.#handler(bytes);
  }

  readonly listen = (handler: (bytes: Buffer) => void): void => {
    this.#handler = handler;
    for (const bytes of this.#early.splice(0)) handler(bytes);
  };
}

/** How much of the past a pattern may look at. A prompt, a marker and their escapes are far shorter. */
const TAIL_BYTES = 4096;

/** Everything that arrived in `tail`, read as Latin-1 so that a byte is a character. */
export class Reader {
  #tail = '';
  #waiting: { matches: (tail: string) => boolean; resolve: () => void } | undefined;
  readonly #terminal: BenchTerminal;

  constructor(terminal: BenchTerminal) {
    this.#terminal = terminal;
    terminal.listen((bytes) => this.#take(bytes));
  }

  /** Forgets what came until now. */
  forget(): void {
    this.#tail = '';
  }

  /** Resolves once what came since the last `forget` matches. Rejects after `patienceMs`, saying what was there. */
  async until(pattern: RegExp | string, patienceMs = 30_000): Promise<void> {
    const matches = (tail: string) => (typeof pattern === 'string' ? tail.includes(pattern) : pattern.test(tail));
    if (matches(this.#tail)) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () =>
        reject(
          new Error(
            `${String(pattern)} did not come within ${patienceMs} ms: ${JSON.stringify(this.#tail.slice(-400))}`,
          ),
        ),
      patienceMs,
    );
    this.#waiting = { matches, resolve };
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting = undefined;
    }
  }

  /** Types a line at the prompt and waits for the next prompt. */
  async run(line: string, patienceMs?: number): Promise<void> {
    this.forget();
    this.#terminal.write(`${line}\r`);
    await this.until(PROMPT, patienceMs);
  }

  /** All raw output goes to the function instead, until the returned one is called. */
  divert(to: (bytes: Buffer) => void): () => void {
    this.#terminal.listen(to);
    return () => this.#terminal.listen((bytes) => this.#take(bytes));
  }

  get tail(): string {
    return this.#tail;
  }

  #take(bytes: Buffer): void {
    this.#tail = (this.#tail + bytes.toString('latin1')).slice(-TAIL_BYTES);
    if (this.#waiting?.matches(this.#tail)) this.#waiting.resolve();
  }
}

/**
 * A prompt that waits for a line: bash switches bracketed paste on right before it, and the prompt itself is last.
 * The same for a prompt of any look, ours and the peer's.
 */
// oxlint-disable-next-line no-control-regex -- escape sequences are what this looks for
export const PROMPT = /\x1b\[\?2004h[^\r\n]*[$#] (\x1b\[[0-9;?]*[a-zA-Z])*$/;
