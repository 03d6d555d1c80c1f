/** Frames over a byte stream: cuts what comes in, writes what goes out, and ends the stream where it makes no sense. */
import type { Duplex } from 'node:stream';
import { encodeFrame, FrameReader, type Frame } from '../../protocol/frames.ts';
import { joinWrites } from '../../protocol/one-write.ts';

export class FrameChannel {
  readonly stream: Duplex;
  /** An error thrown here ends the channel and arrives at {@link onClose}. */
  onFrame: (frame: Frame) => void = () => {};
  /** Once. With an error where the stream failed or a frame made no sense. */
  onClose: (error: Error | undefined) => void = () => {};
  /** The stream takes more after a `send` that returned false. */
  onDrain: () => void = () => {};
  readonly #reader = new FrameReader();
  #error: Error | undefined;
  #paused = false;
  /** Cut from a chunk that had already come when the channel was paused. */
  #held: Frame[] = [];

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on('data', (chunk: Buffer) => this.#data(chunk));
    stream.on('error', (error) => (this.#error ??= error));
    stream.on('drain', () => this.onDrain());
    stream.on('end', () => stream.destroy());
    stream.once('close', () => this.onClose(this.#error));
  }

  get closed(): boolean {
    return this.stream.destroyed;
  }

  /** False where the other side does not keep up: wait for {@link onDrain}. Nothing happens on a closed channel. */
  send(type: number, ...parts: Uint8Array[]): boolean {
    if (this.stream.destroyed || this.stream.writableEnded) return true;
    joinWrites(this.stream);
    return this.stream.write(encodeFrame(type, ...parts));
  }

  /** No frame is handed over until {@link resume}, not even one that has come already. */
  pause(): void {
    this.#paused = true;
    this.stream.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#deliver();
    if (!this.#paused) this.stream.resume();
  }

  /** Everything sent still arrives. */
  end(): void {
    this.stream.end();
  }

  destroy(error?: Error): void {
    this.#error ??= error;
    this.stream.destroy();
  }

  #data(chunk: Buffer): void {
    try {
      this.#held.push(...this.#reader.push(chunk));
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#deliver();
  }

  #deliver(): void {
    try {
      while (!this.#paused && !this.stream.destroyed && this.#held.length > 0) this.onFrame(this.#held.shift()!);
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
