/**
 * The pseudo-terminal: its program's output, in order and to the last byte.
 *
 * Only node-pty's fork is used. Its own stream destroys itself 200 ms after the program's exit, read or not, and
 * hands over 4 KiB at a time; here the first chunk wakes us and what else is there is read with it.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ReadStream } from 'node:tty';
import { RECORD_DATA_MAX, RECORD_HEADER_BYTES } from '../../protocol/log.ts';
import { foregroundGroup, LibcError, readNow, terminalModes, waitingInput, writeNow } from './libc.ts';
import type { TerminalModes } from './libc.ts';

/** The native half of node-pty, as its unixTerminal.js calls it. */
type NativePty = {
  fork(
    file: string,
    args: string[],
    env: string[],
    cwd: string,
    cols: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helper: string,
    onExit: (code: number, signal: number) => void,
  ): { fd: number; pid: number; pty: string };
  resize(fd: number, cols: number, rows: number): void;
};

const { requireBinary } = createRequire(import.meta.url)('@lydell/node-pty/requireBinary.js') as {
  requireBinary(file: string): NativePty;
};

/** What a background program still writes after the shell's exit is not waited for longer than this. */
const QUIET_AFTER_EXIT_MS = 100;
/** More than the kernel holds of what the shell itself wrote: a background program that floods ends here. */
const READ_AFTER_EXIT_MAX = 1024 * 1024;

export type PtyExit = { code: number | null; signal: number | null };

export type PtyEvents = {
  /** A log record to be: RECORD_HEADER_BYTES left free, then output. */
  output(record: Uint8Array): void;
  /** The program has exited and all of its output has been handed over. */
  end(exit: PtyExit): void;
};

export type PtyStart = {
  file: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
  cols: number;
  rows: number;
};

export class Pty {
  readonly pid: number;
  #native = requireBinary('pty.node');
  #events: PtyEvents;
  #fd: number;
  #slave: number;
  #stream: ReadStream;
  #buffer = Buffer.allocUnsafeSlow(RECORD_HEADER_BYTES + RECORD_DATA_MAX);
  #exit: PtyExit | null = null;
  #paused = false;
  #readAfterExit = 0;
  #quiet: NodeJS.Timeout | undefined;
  #ended = false;

  /** Throws where the program cannot be started. */
  constructor(start: PtyStart, events: PtyEvents) {
    this.#events = events;
    const env = Object.entries(start.env).map(([name, value]) => `${name}=${value}`);
    const { fd, pid, pty } = this.#native.fork(
      start.file,
      start.args,
      env,
      start.cwd,
      start.cols,
      start.rows,
      -1,
      -1,
      true,
      '',
      (code, signal) => this.#exited(signal > 0 ? { code: null, signal } : { code, signal: null }),
    );
    this.#fd = fd;
    this.pid = pid;
    // Held only to ask how much input waits there; while it is open the master never reads its end.
    this.#slave = openSync(pty, constants.O_RDWR | constants.O_NOCTTY);
    // With a buffer of ours the stream keeps none: what it would hold while paused is lost when the terminal ends.
    const onread = {
      buffer: Buffer.alloc(RECORD_DATA_MAX),
      callback: (count: number, buffer: Uint8Array) => {
        this.#read(buffer.subarray(0, count));
        return true;
      },
    };
    this.#stream = new ReadStream(fd, { onread });
    this.#stream.on('error', () => this.#finish());
    this.#stream.on('close', () => this.#finish());
    this.#stream.resume();
  }

  /** Stops reading: the kernel then stops the program at its next write. */
  pause(): void {
    this.#paused = true;
    clearTimeout(this.#quiet);
    this.#stream.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#stream.resume();
    if (this.#exit) this.#awaitQuiet();
  }

  /** Bytes taken; 0 once it is over. */
  write(bytes: Uint8Array): number {
    if (this.#exit) return bytes.length;
    try {
      return writeNow(this.#fd, bytes);
    } catch (error) {
      if (error instanceof LibcError) return bytes.length;
      throw error;
    }
  }

  modes(): TerminalModes | null {
    return this.#exit ? null : terminalModes(this.#fd);
  }

  waiting(): number {
    return this.#exit ? 0 : waitingInput(this.#slave);
  }

  foreground(): number {
    return this.#exit ? 0 : foregroundGroup(this.#fd);
  }

  resize(cols: number, rows: number): void {
    if (!this.#exit) this.#native.resize(this.#fd, cols, rows);
  }

  /** The chunk, and what the kernel has beyond it, as one record. */
  #read(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#buffer.set(chunk, RECORD_HEADER_BYTES);
    let end = RECORD_HEADER_BYTES + chunk.length;
    let more: number | null = null;
    while (end < this.#buffer.length && (more = this.#readMore(end))) end += more;
    this.#emit(end);
    if (this.#exit) {
      this.#readAfterExit += end - RECORD_HEADER_BYTES;
      if (this.#readAfterExit > READ_AFTER_EXIT_MAX) more = 0;
      else this.#awaitQuiet();
    }
    if (more === 0) this.#finish();
  }

  /** Bytes read; null where there is nothing now; 0 at the end. */
  #readMore(at: number): number | null {
    try {
      return readNow(this.#fd, this.#buffer, at);
    } catch {
      // EIO: every program on the terminal is gone.
      return 0;
    }
  }

  #emit(end: number): void {
    if (end === this.#buffer.length) {
      this.#events.output(this.#buffer);
      this.#buffer = Buffer.allocUnsafeSlow(RECORD_HEADER_BYTES + RECORD_DATA_MAX);
    } else this.#events.output(new Uint8Array(this.#buffer.subarray(0, end)));
  }

  #exited(exit: PtyExit): void {
    this.#exit = exit;
    closeSync(this.#slave);
    if (!this.#paused) this.#awaitQuiet();
  }

  #awaitQuiet(): void {
    clearTimeout(this.#quiet);
    if (!this.#ended && !this.#paused) this.#quiet = setTimeout(() => this.#finish(), QUIET_AFTER_EXIT_MS);
  }

  #finish(): void {
    if (this.#ended) return;
    // The terminal may end a moment before the program is known to have exited.
    if (!this.#exit) {
      setTimeout(() => this.#finish(), 1);
      return;
    }
    this.#ended = true;
    clearTimeout(this.#quiet);
    this.#stream.destroy();
    this.#events.end(this.#exit);
  }
}
