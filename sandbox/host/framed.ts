/** A connection to the portal, in frames. */
import type { Duplex } from 'node:stream';
import { encodeFrame, FrameError, FrameReader, FromHost, json } from '../../protocol/frames.ts';
import type { Frame, HostRefusal } from '../../protocol/frames.ts';
import { joinWrites } from '../../protocol/one-write.ts';

/** Below this a frame's parts are put together, which costs less than writing them one by one. */
const JOIN_BYTES = 16 * 1024;

export class Framed {
  onFrame: (frame: Frame) => void = () => {};
  onDrain: () => void = () => {};
  onClose: () => void = () => {};
  #stream: Duplex;
  #reader = new FrameReader();
  #closed = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#data(chunk));
    stream.on('drain', () => this.onDrain());
    stream.on('error', () => {});
    stream.on('end', () => this.close());
    stream.on('close', () => this.#over());
  }

  /** Bytes that wait here because the portal does not read. */
  get waiting(): number {
    return this.#stream.writableLength;
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(type: number, ...parts: Uint8Array[]): void {
    if (this.#closed) return;
    joinWrites(this.#stream);
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    if (size < JOIN_BYTES) {
      this.#stream.write(encodeFrame(type, ...parts));
      return;
    }
    const head = Buffer.alloc(5);
    head.writeUInt32BE(1 + size);
    head[4] = type;
    this.#stream.write(head);
    for (const part of parts) this.#stream.write(part);
  }

  /** Reading stops, and with it the sender, until resume. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Says why, and closes once that is sent. */
  refuse(code: HostRefusal['code'], message: string): void {
    if (this.#closed) return;
    this.send(FromHost.refused, json({ code, message } satisfies HostRefusal));
    this.end();
  }

  /** Closes once everything is sent. */
  end(): void {
    this.onFrame = () => {};
    // What still comes is read and dropped: closing over unread bytes would look like a fault to the portal.
    this.#stream.resume();
    this.#stream.end();
    // A portal that never reads would keep it open for ever.
    setTimeout(() => this.close(), 10_000).unref();
  }

  close(): void {
    this.#stream.destroy();
    this.#over();
  }

  #data(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) {
        if (this.#closed) return;
        this.onFrame(frame);
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.refuse('protocol', error.message);
    }
  }

  #over(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onClose();
  }
}
