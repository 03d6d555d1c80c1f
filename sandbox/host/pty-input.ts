/**
 * Input on its way to the PTY. What the terminal cannot take yet waits here and not in the kernel, where a Ctrl-C
 * would wait behind it.
 */
import type { TerminalModes } from './libc.ts';
import { firstLine, submitsLine } from './secret-input.ts';

/** Written at once: below what the terminal's line buffer of 4,096 bytes holds with another chunk in it. */
const CHUNK_BYTES = 1024;
/** How long a program has to leave a password prompt before what follows is judged. */
const AFTER_SECRET_MS = 20;
/** How soon a full terminal is tried again; output makes it sooner. */
const RETRY_MS = 5;

export type InputTerminal = {
  modes(): TerminalModes | null;
  /** Process group of the program that reads. */
  foreground(): number;
  /** Bytes that wait to be read by the program. */
  waiting(): number;
  /** Bytes taken. */
  write(bytes: Uint8Array): number;
};

export type InputEvents = {
  /** The bytes are in the terminal; where it does not echo lines, `reader` is the process group they were for. */
  written(bytes: Uint8Array, secret: { reader: number } | null): void;
  /** The stream's bytes up to the position are written, or dropped by a Ctrl-C. */
  done(stream: number, position: number): void;
};

type Waiting = { stream: number; bytes: Uint8Array; end: number };

export class PtyInput {
  #terminal: InputTerminal;
  #events: InputEvents;
  #queue: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #pausedForPrompt = false;

  constructor(terminal: InputTerminal, events: InputEvents) {
    this.#terminal = terminal;
    this.#events = events;
  }

  /** `end` is the stream's position after the bytes. */
  push(stream: number, bytes: Uint8Array, end: number): void {
    if (bytes.length === 0) return;
    const from = this.#queue.length > 0 ? this.#interruptIn(bytes) : -1;
    if (from >= 0) {
      // A terminal drops what waits before an interrupt; so does what waits before the terminal.
      for (const waiting of this.#queue.splice(0)) this.#events.done(waiting.stream, waiting.end);
      this.#pausedForPrompt = false;
      this.#queue.push({ stream, bytes: bytes.subarray(from), end });
    } else this.#queue.push({ stream, bytes, end });
    this.pump();
  }

  /** Writes what the terminal can take now. Cheap where nothing waits. */
  pump(): void {
    if (this.#pausedForPrompt) return;
    clearTimeout(this.#timer);
    for (let head = this.#queue[0]; head; head = this.#queue[0]) {
      const modes = this.#terminal.modes();
      if (!modes) return this.dispose();
      // Asked before the write: what a line makes the reader run takes the terminal over.
      const secret = modes.canonical && !modes.echo ? { reader: this.#terminal.foreground() } : null;
      const most = head.bytes.subarray(0, CHUNK_BYTES);
      const chunk = secret ? firstLine(most) : most;
      const count = this.#terminal.waiting() < CHUNK_BYTES ? this.#terminal.write(chunk) : 0;
      if (count === 0) return this.#later(RETRY_MS);
      const taken = chunk.subarray(0, count);
      this.#events.written(taken, secret);
      head.bytes = head.bytes.subarray(count);
      if (head.bytes.length === 0) this.#queue.shift();
      this.#events.done(head.stream, head.end - head.bytes.length);
      if (this.#queue.length > 0 && secret && submitsLine(taken)) {
        this.#pausedForPrompt = true;
        return this.#later(AFTER_SECRET_MS);
      }
      // The kernel moves input to the program's side in its own time: only then does `waiting` say how full it is.
      if (this.#queue.length > 0) return this.#later(0);
    }
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#pausedForPrompt = false;
      this.pump();
    }, ms);
  }

  #interruptIn(bytes: Uint8Array): number {
    const interrupts = this.#terminal.modes()?.interrupts ?? [];
    return bytes.findLastIndex((byte) => interrupts.includes(byte));
  }
}
