/**
 * The terminal's connection as a state machine, without I/O: what came in, and by its sink what is to be done. It
 * keeps two promises across any number of cuts: typed bytes reach the PTY once and in order, and output reaches the
 * screen once and in order.
 */
import {
  type Attached,
  type Banner,
  CloseCode,
  decodeMessage,
  encodeMessage,
  FromBrowser,
  parseJson,
  readU32,
  readU64,
  ToBrowser,
  u32,
  u64,
} from '../../protocol/frames.ts';
import type { Session } from '../../server/http/schemas.ts';
import { InputStream } from './input-stream.ts';

export type ConnectionStatus =
  | { kind: 'connecting'; attempt: number }
  | { kind: 'open' }
  /** The connection is lost; the next attempt comes in `retryMs`. */
  | { kind: 'waiting'; attempt: number; retryMs: number }
  /** Another page holds the session. */
  | { kind: 'superseded'; reason: string }
  | { kind: 'signed-out' }
  /** The session is over or not ours; the session itself says why. */
  | { kind: 'gone' };

/** What the machine wants done. */
export type ConnectionSink = {
  /** Get a ticket, then call {@link Connection.ticket} or {@link Connection.refused}. */
  requestTicket(): void;
  /** Dial; `offset` is the output already had, null where the screen is empty. */
  dial(ticket: string, offset: number | null): void;
  send(message: Uint8Array<ArrayBuffer>): void;
  hangUp(): void;
  /** Call {@link Connection.retry} after this many ms, or earlier when the network is back. */
  retryAfter(ms: number): void;
  /** Put on the screen; then call {@link Connection.rendered} with the offset. `reset`: the screen starts anew. */
  write(bytes: Uint8Array, output: { offset: number; answered: boolean; reset: boolean }): void;
  size(cols: number, rows: number): void;
  session(session: Session): void;
  banner(banner: Banner): void;
  status(status: ConnectionStatus): void;
};

/** First retry at once-ish, then doubling: a restarted portal is back in seconds, a broken one is not hammered. */
const RETRY_FIRST_MS = 200;
const RETRY_MOST_MS = 5_000;

export class Connection {
  readonly input: InputStream;
  readonly #sink: ConnectionSink;
  readonly #random: () => number;
  #status: ConnectionStatus = { kind: 'connecting', attempt: 0 };
  #attempt = 0;
  /** Output up to here was handed to the screen; null before the first. */
  #received: number | null = null;
  /** Output before this was answered by an earlier page. */
  #live = 0;
  #attached = false;
  /** Whether a ticket was asked for or a socket is open: an answer to an older attempt is not taken. */
  #phase: 'idle' | 'ticket' | 'socket' = 'idle';

  /** `random` in [0, 1) spreads the retries of many pages after a restart. */
  constructor(stream: number, sink: ConnectionSink, random: () => number) {
    this.input = new InputStream(stream);
    this.#sink = sink;
    this.#random = random;
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  /** The offset handed to the screen so far. */
  get received(): number | null {
    return this.#received;
  }

  /** Begins; a ticket that came with the opened session saves a round trip. Also takes a superseded session back. */
  start(ticket?: string): void {
    if (this.#phase !== 'idle') return;
    this.#set({ kind: 'connecting', attempt: this.#attempt });
    if (ticket) {
      this.#phase = 'socket';
      this.#sink.dial(ticket, this.#received);
    } else {
      this.#phase = 'ticket';
      this.#sink.requestTicket();
    }
  }

  ticket(ticket: string): void {
    if (this.#phase !== 'ticket') return;
    this.#phase = 'socket';
    this.#sink.dial(ticket, this.#received);
  }

  /** The portal answered the request for a ticket by an HTTP status; 0 is no answer. */
  refused(status: number): void {
    if (this.#phase !== 'ticket') return;
    this.#phase = 'idle';
    if (status === 401) this.#set({ kind: 'signed-out' });
    else if (status === 403 || status === 404 || status === 409 || status === 410) this.#set({ kind: 'gone' });
    else this.#wait();
  }

  /** The socket is closed, by whomever; the code says why where the portal did it. */
  closed(code = 0): void {
    if (this.#phase !== 'socket') return;
    this.#phase = 'idle';
    this.#attached = false;
    if (this.#status.kind === 'superseded' || this.#status.kind === 'gone') return;
    if (code === CloseCode.superseded) this.#set({ kind: 'superseded', reason: '' });
    else if (code === CloseCode.ended) this.#set({ kind: 'gone' });
    else if (code === CloseCode.signedOut) this.#set({ kind: 'signed-out' });
    else this.#wait();
  }

  /** The wait is over, or the network is back. */
  retry(): void {
    if (this.#status.kind !== 'waiting') return;
    this.start();
  }

  /** Typed bytes; false where too many are held already. */
  type(bytes: Uint8Array): boolean {
    if (!this.input.push(bytes)) return false;
    this.#flush();
    return true;
  }

  resize(cols: number, rows: number): void {
    if (!this.#attached) return;
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint16(0, cols);
    new DataView(payload.buffer).setUint16(2, rows);
    this.#sink.send(encodeMessage(FromBrowser.resize, payload));
  }

  /** The screen shows everything before this offset. */
  rendered(offset: number): void {
    if (this.#attached) this.#sink.send(encodeMessage(FromBrowser.ack, u64(offset)));
  }

  /** One message of the socket. A message that cannot be understood costs the connection, never the screen. */
  message(message: Uint8Array): void {
    if (this.#phase !== 'socket') return;
    try {
      this.#take(message);
    } catch {
      this.#received = null;
      this.#sink.hangUp();
    }
  }

  /** Ends for good. */
  dispose(): void {
    this.#phase = 'idle';
    this.#attached = false;
    this.#sink.hangUp();
  }

  #take(message: Uint8Array): void {
    const { type, payload } = decodeMessage(message);
    switch (type) {
      case ToBrowser.attached:
        return this.#onAttached(parseJson<Attached>(payload));
      case ToBrowser.snapshot:
        return this.#onSnapshot(readU64(payload), payload.subarray(8));
      case ToBrowser.output:
        return this.#onOutput(readU64(payload), payload.subarray(8));
      case ToBrowser.inputAck:
        if (readU32(payload) !== this.input.stream) return;
        this.input.ack(readU64(payload, 4));
        return this.#flush();
      case ToBrowser.state: {
        const session = parseJson<Session>(payload);
        this.#sink.session(session);
        if (session.state === 'ended') this.#set({ kind: 'gone' });
        return;
      }
      case ToBrowser.banner:
        return this.#sink.banner(parseJson<Banner>(payload));
      case ToBrowser.superseded:
        this.#set({ kind: 'superseded', reason: parseJson<{ reason?: string }>(payload).reason ?? '' });
        return this.#sink.hangUp();
      default:
      // A newer portal may say more than this page knows.
    }
  }

  #onAttached(attached: Attached): void {
    this.#attached = true;
    this.#attempt = 0;
    this.#live = attached.live;
    // What follows starts where the portal says. If that is not where this screen ends, only a snapshot can follow.
    if (this.#received !== null && attached.offset !== this.#received) this.#received = null;
    this.input.resume(attached.inputPosition);
    this.#sink.size(attached.cols, attached.rows);
    this.#set({ kind: 'open' });
    this.#flush();
  }

  #onSnapshot(offset: number, screen: Uint8Array): void {
    this.#received = offset;
    this.#sink.write(screen, { offset, answered: true, reset: true });
  }

  #onOutput(offset: number, bytes: Uint8Array): void {
    const reset = this.#received === null;
    if (!reset && offset <= this.#received!) return;
    this.#received = offset;
    this.#sink.write(bytes, { offset, answered: offset <= this.#live, reset });
  }

  #flush(): void {
    if (!this.#attached) return;
    for (const { position, bytes } of this.input.take())
      this.#sink.send(encodeMessage(FromBrowser.input, u32(this.input.stream), u64(position), bytes));
  }

  #wait(): void {
    const most = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** this.#attempt);
    const retryMs = Math.round(most * (0.5 + this.#random() / 2));
    this.#attempt += 1;
    this.#set({ kind: 'waiting', attempt: this.#attempt, retryMs });
    this.#sink.retryAfter(retryMs);
  }

  #set(status: ConnectionStatus): void {
    this.#status = status;
    this.#sink.status(status);
  }
}
