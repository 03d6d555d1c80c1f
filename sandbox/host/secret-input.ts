/**
 * What of the input is a secret, judged from the terminal's modes at the moment it is written. Pure: the modes, and
 * the newest process id of the sandbox, come in as arguments. See "Secret input" in docs/protocol.md.
 */
import type { Mark } from '../../protocol/log.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const END_OF_FILE = 0x04;

/** The bytes up to and with the first that submits a line to a canonical terminal; all where none does. */
export function firstLine(bytes: Uint8Array): Uint8Array {
  const at = bytes.findIndex((byte) => byte === NEWLINE || byte === RETURN || byte === END_OF_FILE);
  return at < 0 ? bytes : bytes.subarray(0, at + 1);
}

/** Whether the bytes end with one that submits a line to a canonical terminal. */
export function submitsLine(bytes: Uint8Array): boolean {
  const last = bytes.at(-1);
  return last === NEWLINE || last === RETURN || last === END_OF_FILE;
}

export class SecretInput {
  /** One mark a line: more would tell how long it is. */
  #marked = false;
  /** When the stretch's first line was submitted: what read it, and the newest process id. Null before. */
  #firstLine: { reader: string; newestProcess: number } | null = null;
  #raised = false;

  /** The terminal was seen; a prompt that echoes again ends the stretch. */
  seen(noEcho: boolean): void {
    if (noEcho) return;
    this.#marked = false;
    this.#firstLine = null;
    this.#raised = false;
  }

  /**
   * At most one line was written to a terminal that does not echo. What the log shall hold in its place.
   * `newestProcess` and `reader` (what reads the terminal) are asked for only where a line was submitted.
   */
  written(line: Uint8Array, newestProcess: () => number, reader: () => string): Mark[] {
    const marks: Mark[] = [];
    if (!this.#marked) marks.push({ mark: 'secret' });
    this.#marked = !submitsLine(line);
    if (this.#marked) return marks;
    // Whose input is hidden is seen at its first line: later what it runs may hold the terminal.
    if (this.#firstLine === null) this.#firstLine = { reader: reader(), newestProcess: newestProcess() };
    else if (!this.#raised && newestProcess() !== this.#firstLine.newestProcess) {
      this.#raised = true;
      const detail = `${this.#firstLine.reader} runs commands from input that the terminal hides`;
      marks.push({ mark: 'hidden-shell', detail });
    }
    return marks;
  }
}
