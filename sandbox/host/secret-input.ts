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
  /** The newest process id when the stretch's first line was submitted; null before. */
  #processAtFirstLine: number | null = null;
  #raised = false;

  /** The terminal was seen; a prompt that echoes again ends the stretch. */
  seen(noEcho: boolean): void {
    if (noEcho) return;
    this.#marked = false;
    this.#processAtFirstLine = null;
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
    if (!this.#marked && this.#ranSomething(newestProcess()))
      marks.push({ mark: 'hidden-shell', detail: `${reader()} runs commands from input that the terminal hides` });
    return marks;
  }

  #ranSomething(newestProcess: number): boolean {
    if (this.#processAtFirstLine === null) {
      this.#processAtFirstLine = newestProcess;
      return false;
    }
    if (this.#raised || newestProcess === this.#processAtFirstLine) return false;
    this.#raised = true;
    return true;
  }
}
