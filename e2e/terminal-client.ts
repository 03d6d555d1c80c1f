/** A page's side of a terminal without the page: what it showed, what it was told, and keys to type. */
import { randomInt } from 'node:crypto';
import { WebSocket } from 'ws';
import {
  decodeMessage,
  encodeMessage,
  FromBrowser,
  parseJson,
  readU32,
  readU64,
  ToBrowser,
  u32,
  u64,
  type Attached,
  type Banner,
} from '../protocol/frames.ts';
import { encodeResize } from '../protocol/log.ts';
import { until } from './machine/until.ts';

const LINE_TAKEN = '\x1b[?2004l';

export type TerminalAddress = {
  /** `http://localhost:1234` */
  origin: string;
  session: string;
  cookie: string;
  /** A fresh ticket for each connection. */
  ticket(): Promise<string>;
};

type SessionState = { state: string; endReason: string | null; endDetail: string | null; detachedAt: string | null };

export class TerminalClient implements AsyncDisposable {
  readonly #address: TerminalAddress;
  readonly #stream = randomInt(1, 2 ** 32 - 1);
  #socket: WebSocket | undefined;
  #typed = Buffer.alloc(0);
  #acknowledged = 0;
  #offset: number | undefined;
  #output: Buffer[] = [];
  /** Text of the snapshots, in the order of arrival. */
  readonly snapshots: string[] = [];
  readonly states: SessionState[] = [];
  readonly banners: Banner[] = [];
  attached: Attached | undefined;
  superseded = false;
  closed: { code: number; reason: string } | undefined;

  constructor(address: TerminalAddress) {
    this.#address = address;
  }

  /** Connects; resolves once attached. Connected before, it continues where it was. */
  async connect(size = { cols: 80, rows: 24 }): Promise<this> {
    const { origin, session, cookie, ticket } = this.#address;
    const query = new URLSearchParams({ stream: `${this.#stream}`, cols: `${size.cols}`, rows: `${size.rows}` });
    if (this.#offset !== undefined) query.set('offset', `${this.#offset}`);
    const url = `${origin.replace(/^http/, 'ws')}/api/v1/sessions/${session}/terminal?${query}`;
    const socket = new WebSocket(url, ['sallyport.v1', `ticket.${await ticket()}`], { headers: { origin, cookie } });
    this.#socket = socket;
    this.attached = undefined;
    this.closed = undefined;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.on('message', (data: Buffer) => {
      // What still comes on a connection that was left comes once more on the next, from where that one begins.
      if (this.#socket !== socket) return;
      this.#frame(data);
      if (this.attached) resolve();
    });
    socket.on('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => reject(new Error(`${response.statusCode}: ${Buffer.concat(chunks).toString()}`)));
    });
    socket.on('error', reject);
    socket.on('close', (code, reason) => {
      if (this.#socket === socket || this.#socket === undefined) this.closed = { code, reason: reason.toString() };
      reject(new Error(`closed with ${code} ${reason.toString()}`));
    });
    await promise;
    return this;
  }

  /** Everything that was shown as raw output since the first connection. */
  get text(): string {
    return Buffer.concat(this.#output).toString();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#output);
  }

  /** The newest session state that the portal sent. */
  get state(): SessionState | undefined {
    return this.states.at(-1);
  }

  type(text: string): void {
    const bytes = Buffer.from(text);
    const position = this.#typed.length;
    this.#typed = Buffer.concat([this.#typed, bytes]);
    this.#send(encodeMessage(FromBrowser.input, u32(this.#stream), u64(position), bytes));
  }

  resize(cols: number, rows: number): void {
    this.#send(encodeMessage(FromBrowser.resize, encodeResize(cols, rows)));
  }

  /** Resolves when the output, from `from` on, holds the pattern. */
  async shows(pattern: RegExp, { from = 0, within = 15_000 } = {}): Promise<RegExpExecArray> {
    return until(() => pattern.exec(this.text.slice(from)) ?? undefined, {
      within,
      every: 10,
      what: () =>
        `${pattern} in ${JSON.stringify(this.text.slice(from).slice(-2000))}, state ${JSON.stringify(this.state)}`,
    });
  }

  /** Types a command and resolves with what it printed, once the shell has run it. */
  async run(command: string, within = 30_000): Promise<string> {
    const from = this.text.length;
    const mark = `done-${randomInt(1e9)}`;
    // The mark is put together by the shell, so that the echo of the command line does not hold it.
    this.type(`${command}; printf '%s-%s:%s\\n' done ${mark.slice(5)} $?\r`);
    await this.shows(new RegExp(`${mark}:\\d+\\r?\\n`), { from, within });
    const shown = this.text.slice(from);
    const end = shown.lastIndexOf(`${mark}:`);
    // readline switches bracketed paste off when the line is taken: what follows is the command's own.
    const begin = shown.lastIndexOf(LINE_TAKEN, end) + LINE_TAKEN.length;
    return shown.slice(begin, end).replace(/^\r/, '');
  }

  /** Resolves when the portal has closed the socket. */
  async close(): Promise<{ code: number; reason: string }> {
    return until(() => this.closed, { what: 'the close of the socket' });
  }

  /** As a page that is closed. */
  leave(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** As a network that goes away. */
  drop(): void {
    this.#socket?.terminate();
  }

  #send(message: Uint8Array): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(message);
  }

  #frame(data: Buffer): void {
    const { type, payload } = decodeMessage(data);
    if (type === ToBrowser.attached) {
      this.attached = parseJson<Attached>(payload);
      this.#offset = this.attached.offset;
      this.#acknowledged = this.attached.inputPosition;
      const rest = this.#typed.subarray(this.#acknowledged);
      if (rest.length > 0)
        this.#send(encodeMessage(FromBrowser.input, u32(this.#stream), u64(this.#acknowledged), rest));
    } else if (type === ToBrowser.snapshot) {
      this.#offset = readU64(payload);
      this.snapshots.push(Buffer.from(payload.subarray(8)).toString());
      this.#send(encodeMessage(FromBrowser.ack, u64(this.#offset)));
    } else if (type === ToBrowser.output) {
      const offset = readU64(payload);
      if (this.#offset !== undefined && offset < this.#offset) throw new Error('output went back');
      this.#offset = offset;
      this.#output.push(Buffer.from(payload.subarray(8)));
      this.#send(encodeMessage(FromBrowser.ack, u64(offset)));
    } else if (type === ToBrowser.inputAck) {
      if (readU32(payload) === this.#stream) this.#acknowledged = readU64(payload, 4);
    } else if (type === ToBrowser.state) this.states.push(parseJson<SessionState>(payload));
    else if (type === ToBrowser.banner) this.banners.push(parseJson<Banner>(payload));
    else if (type === ToBrowser.superseded) this.superseded = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket?.terminate();
  }
}
