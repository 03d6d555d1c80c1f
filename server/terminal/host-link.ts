/**
 * The way to one session host: it dials, at any time and as often as it likes (a new container, a portal that was
 * restarted, a connection that broke), proves itself, and the newest terminal connection is the one in use.
 */
import type { Duplex } from 'node:stream';
import type { Frame, HostHello } from '../../protocol/frames.ts';
import type { Log } from './contract.ts';
import type { FrameChannel } from './frame-channel.ts';
import { proveHost } from './prove-host.ts';

/** Connections without a proof yet, at most: what a program in the shell may hold open here. */
const UNPROVEN_MOST = 16;

export type HostLinkHandlers = {
  /** A proven host; it gets nothing until it is attached to. */
  connected(hello: HostHello): void;
  frame(frame: Frame): void;
  /** The connection in use ended; an error says that it was not orderly. The host dials again. */
  lost(error: Error | undefined): void;
  /** A connection for the file request of that id; the handler takes over the channel's handlers. */
  file(id: string, channel: FrameChannel): void;
};

export class HostLink {
  readonly #secret: Buffer;
  readonly #handlers: HostLinkHandlers;
  readonly #log: Log;
  readonly #unproven = new Set<Duplex>();
  #channel: FrameChannel | undefined;
  #failures = 0;
  #closed = false;

  constructor(secret: Buffer, handlers: HostLinkHandlers, log: Log) {
    this.#secret = secret;
    this.#handlers = handlers;
    this.#log = log;
  }

  get connected(): boolean {
    return this.#channel !== undefined;
  }

  /** A stream that was dialled to the terminal socket, by whomever. */
  accept(stream: Duplex): void {
    if (this.#closed) {
      stream.destroy();
      return;
    }
    if (this.#unproven.size >= UNPROVEN_MOST) {
      const oldest = this.#unproven.values().next().value!;
      // At once: its close comes a moment later, and others may dial meanwhile.
      this.#unproven.delete(oldest);
      oldest.destroy();
    }
    this.#unproven.add(stream);
    proveHost(
      stream,
      this.#secret,
      (hello, channel) => {
        this.#unproven.delete(stream);
        if (hello.purpose === 'file') this.#handlers.file(hello.file ?? '', channel);
        else this.#use(hello, channel);
      },
      (error) => {
        this.#unproven.delete(stream);
        if (!this.#closed) this.#failed(error);
      },
    );
  }

  /** Nothing happens while the host is away. */
  send(type: number, ...parts: Uint8Array[]): void {
    this.#channel?.send(type, ...parts);
  }

  /** Stops reading what the host sends; it stops reading the PTY in turn. */
  pause(): void {
    this.#channel?.pause();
  }

  resume(): void {
    this.#channel?.resume();
  }

  close(): void {
    this.#closed = true;
    for (const stream of this.#unproven) stream.destroy();
    // what was sent last (recorded, end) must still arrive
    this.#channel?.end();
    this.#channel = undefined;
  }

  /** The 1st, 10th, 100th …: a program in the shell dials in a loop, and the disk of the log is everybody's. */
  #failed(error: Error): void {
    this.#failures += 1;
    if (Number.isInteger(Math.log10(this.#failures)))
      this.#log.warn({ error: error.message, times: this.#failures }, 'a connection from a sandbox proved nothing');
  }

  #use(hello: HostHello, channel: FrameChannel): void {
    const before = this.#channel;
    this.#channel = channel;
    channel.onFrame = (frame) => {
      if (this.#channel === channel) this.#handlers.frame(frame);
    };
    channel.onClose = (error) => {
      if (this.#channel !== channel) return;
      this.#channel = undefined;
      this.#handlers.lost(error);
    };
    if (before) {
      before.destroy();
      this.#handlers.lost(undefined);
    }
    this.#handlers.connected(hello);
  }
}
