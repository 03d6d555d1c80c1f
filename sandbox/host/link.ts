/** The host's connections to portals: dials for ever, serves the newest holder. See docs/protocol.md. */
import type { Duplex } from 'node:stream';
import { FrameError, FromHost, json, parseJson, readU64, ToHost, u32, u64 } from '../../protocol/frames.ts';
import type { Claim, Frame, HostAttached } from '../../protocol/frames.ts';
import { RecordKind } from '../../protocol/log.ts';
import type { Framed } from './framed.ts';
import { greet } from './greet.ts';
import type { HostSession } from './session.ts';
import type { Way } from './way.ts';

const RETRY_FIRST_MS = 20;
const RETRY_MOST_MS = 2000;
/** What waits in a connection beyond the kernel's buffer; the rest stays in the log. */
const SEND_AHEAD = 256 * 1024;
/** Log bytes of one frame. */
const LOG_FRAME = 256 * 1024;
/** An echo follows its key well within this: what was typed waits that long, and then goes out with it at once. */
const ECHO_MS = 2;

export class Link {
  #way: Way;
  #secret: Buffer;
  #session: HostSession;
  #connections = new Set<Framed>();
  #holder: Framed | null = null;
  #generation = 0;
  /** The log up to here has been given to the holder. */
  #sent = 0;
  /** Positions by stream that the holder has not been told. */
  #inputsDone = new Map<number, number>();
  /** Runs while what was typed waits for its echo. */
  #awaitingEcho: NodeJS.Timeout | undefined;
  #dialling = 0;
  #retryMs = RETRY_FIRST_MS;
  #retry: NodeJS.Timeout | undefined;

  constructor(way: Way, secret: Buffer, session: HostSession) {
    this.#way = way;
    this.#secret = secret;
    this.#session = session;
    way.onPortal = () => void this.#dial();
    session.log.onAppend = (kind) => {
      if (kind === RecordKind.input) this.#awaitEcho();
      else this.#pump();
      session.brake();
    };
    session.onInputDone = (stream, position) => {
      this.#inputsDone.set(stream, position);
      this.#awaitEcho();
    };
    void this.#dial();
  }

  async #dial(): Promise<void> {
    clearTimeout(this.#retry);
    this.#dialling += 1;
    const connection = await this.#way.dial('terminal').then(
      (stream) => this.#greet(stream),
      () => null,
    );
    this.#dialling -= 1;
    if (connection) this.#accept(connection);
    else this.#dialLater();
  }

  #greet(stream: Duplex): Promise<Framed | null> {
    const { log, state } = this.#session;
    const { start, end } = log;
    return greet(stream, this.#secret, { purpose: 'terminal', state, generation: this.#generation, start, end });
  }

  #dialLater(): void {
    if (this.#connections.size > 0 || this.#dialling > 0) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#dial(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MOST_MS);
  }

  #accept(connection: Framed): void {
    if (connection.closed) return this.#dialLater();
    this.#connections.add(connection);
    connection.onFrame = (frame) => this.#frame(connection, frame);
    connection.onDrain = () => {
      if (connection === this.#holder) this.#pump();
    };
    connection.onClose = () => {
      this.#connections.delete(connection);
      if (connection === this.#holder) {
        this.#holder = null;
        this.#session.detached();
      }
      this.#dialLater();
    };
  }

  #frame(connection: Framed, frame: Frame): void {
    if (frame.type === ToHost.attach) return this.#attach(connection, frame.payload);
    if (frame.type === ToHost.claim) {
      const problem = this.#session.claim(parseJson<Claim>(frame.payload));
      if (problem) connection.refuse('spawn-failed', problem);
      return;
    }
    if (connection !== this.#holder) throw new FrameError('only the holder of the host may send this');
    this.#session.frame(frame);
  }

  #attach(connection: Framed, payload: Uint8Array): void {
    const generation = readU64(payload);
    const offset = readU64(payload, 8);
    const { log } = this.#session;
    if (generation < this.#generation)
      return connection.refuse('stale-generation', `generation ${this.#generation} has the host`);
    if (this.#session.state === 'warm') return connection.refuse('protocol', 'a warm host is claimed first');
    if (!log.canReadFrom(offset))
      return connection.refuse('offset-gone', `the log is held from ${log.start} to ${log.end}, not from ${offset}`);
    const former = this.#holder;
    this.#holder = connection;
    this.#generation = generation;
    this.#sent = offset;
    this.#inputsDone.clear(); // the answer tells them all
    this.#retryMs = RETRY_FIRST_MS;
    if (former && former !== connection) {
      this.#session.detached();
      former.refuse('superseded', `generation ${generation} has taken over`);
    }
    const attached: HostAttached = { generation, offset, end: log.end, ...this.#session.attachFacts() };
    connection.send(FromHost.attached, json(attached));
    // What is before the offset is in the recording.
    this.#session.recorded(offset);
    this.#pump();
  }

  #awaitEcho(): void {
    this.#awaitingEcho ??= setTimeout(() => this.#pump(), ECHO_MS);
  }

  #pump(): void {
    clearTimeout(this.#awaitingEcho);
    this.#awaitingEcho = undefined;
    const { log } = this.#session;
    const holder = this.#holder;
    for (const [stream, position] of this.#inputsDone) holder?.send(FromHost.inputAck, u32(stream), u64(position));
    this.#inputsDone.clear();
    while (holder && this.#sent < log.end && holder.waiting < SEND_AHEAD && !holder.closed) {
      const { parts, end } = log.read(this.#sent, LOG_FRAME);
      holder.send(FromHost.log, u64(this.#sent), ...parts);
      this.#sent = end;
    }
  }
}
