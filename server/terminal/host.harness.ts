/** For tests: a real session host beside the test, real recordings, a real WebSocket; no container. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp, type Server as HttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { until } from '../../e2e/machine/until.ts';
import {
  decodeMessage,
  encodeMessage,
  FromBrowser,
  parseJson,
  readU64,
  ToBrowser,
  u32,
  u64,
  type Attached,
} from '../../protocol/frames.ts';
import { encodeResize } from '../../protocol/log.ts';
import { recordingFacts } from '../domain/recording.harness.ts';
import type { RecordingFacts } from '../domain/recording.ts';
import { Recordings } from '../recording/recordings.ts';
import type { Terminal, TerminalEvents } from './contract.ts';
import { Terminals } from './terminals.ts';

const HOST = join(import.meta.dirname, '../../sandbox/host/main.ts');

/** A session host as a child process, which dials the socket in its folder. */
export class TestHost implements AsyncDisposable {
  readonly secret = randomBytes(32);
  readonly folder: string;
  readonly child: ChildProcess;
  exitCode: number | null | undefined;
  stderr = '';

  private constructor(folder: string) {
    this.folder = folder;
    this.child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        HOST,
        `--folder=${folder}`,
        `--home=${folder}`,
        `--token-file=${join(folder, 'token')}`,
        // Any free ones: these tests dial neither, and a host whose port is taken ends at once.
        '--kubernetes-port=0',
        '--egress-port=0',
      ],
      { stdio: ['pipe', 'ignore', 'pipe'], env: { ...process.env } },
    );
    this.child.stdin!.end(`${this.secret.toString('base64url')}\n`);
    this.child.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.child.once('exit', (code) => (this.exitCode = code));
  }

  static async start(): Promise<TestHost> {
    const folder = await mkdtemp(join(tmpdir(), 'sp-host-'));
    await writeFile(join(folder, '.bash_profile'), "PS1='$ '\nbind 'set enable-bracketed-paste off'\n");
    return new TestHost(folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    if (this.exitCode === undefined) await new Promise((resolve) => this.child.once('exit', resolve));
    // The hung-up shell may be writing its history into its home still.
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

type Heard = {
  human: Date[];
  attached: number;
  detached: number;
  exits: unknown[];
  faults: string[];
  hidden: string[];
  answers: boolean[];
};

/** What a portal has of one session: may be thrown away and made anew, as by a restart. */
export class TestPortal implements AsyncDisposable {
  readonly recordings: Recordings;
  readonly terminals: Terminals;
  readonly terminal: Terminal;
  readonly heard: Heard = { human: [], attached: 0, detached: 0, exits: [], faults: [], hidden: [], answers: [] };
  readonly #streams: Server;
  readonly http: HttpServer;

  private constructor(recordings: Recordings, host: TestHost, session: string) {
    this.recordings = recordings;
    const events: TerminalEvents = {
      humanInput: (_, at) => this.heard.human.push(at),
      attached: () => this.heard.attached++,
      detached: () => this.heard.detached++,
      exited: (_, exit) => this.heard.exits.push(exit),
      fault: (_, message) => this.heard.faults.push(message),
      answers: (_, answers) => this.heard.answers.push(answers),
      hiddenShell: (_, detail) => this.heard.hidden.push(detail),
    };
    const log = { info: () => {}, warn: () => {} };
    this.terminals = new Terminals({ recordings, events, now: () => new Date(), log });
    this.terminal = this.terminals.open(session, host.secret);
    this.#streams = createServer({ allowHalfOpen: true }, (socket) => this.terminal.terminal(socket));
    this.http = createHttp();
    const { signal } = new AbortController();
    this.http.on('upgrade', (request, socket, head) => {
      const page = { user: 'user', webSession: 'web', clientAddress: '127.0.0.1' };
      try {
        this.terminals.upgrade({ request, socket, head, signal }, session, page);
      } catch {
        socket.destroy();
      }
    });
  }

  static async start(dataDir: string, host: TestHost, session: string): Promise<TestPortal> {
    const recordings = new Recordings({ dataDir, log: { warn: () => {} } });
    const portal = new TestPortal(recordings, host, session);
    const socket = join(host.folder, 'terminal.sock');
    await rm(socket, { force: true });
    await new Promise<void>((resolve) => portal.#streams.listen(socket, resolve));
    await new Promise<void>((resolve) => portal.http.listen(0, '127.0.0.1', resolve));
    return portal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminals[Symbol.asyncDispose]();
    this.#streams.close();
    this.http.closeAllConnections();
    this.http.close();
    await this.recordings[Symbol.asyncDispose]();
  }
}

/** A page that shows everything and acknowledges it, unless told otherwise. */
export class TestPage {
  readonly socket: WebSocket;
  readonly stream: number;
  attached: Attached | undefined;
  snapshot: Buffer | undefined;
  output: Buffer[] = [];
  outputBytes = 0;
  /** Of the last output. */
  offset = 0;
  acking = true;
  superseded = false;
  closeCode: number | undefined;
  inputAcked = 0;
  banners: { code: string; text: string }[] = [];
  #position = 0;

  constructor(
    portal: TestPortal,
    session: string,
    { cols = 80, rows = 24, offset, stream = Math.floor(Math.random() * 0xffff_ffff) }: Partial<Options> = {},
  ) {
    this.stream = stream;
    const { port } = portal.http.address() as { port: number };
    const { ticket } = portal.terminals.issueTicket(session, 'user', 'web');
    const from = offset === undefined ? '' : `&offset=${offset}`;
    this.socket = new WebSocket(
      `ws://127.0.0.1:${port}/api/v1/sessions/${session}/terminal?stream=${stream}&cols=${cols}&rows=${rows}${from}`,
      ['sallyport.v1', `ticket.${ticket}`],
      { perMessageDeflate: false },
    );
    this.socket.on('error', () => {});
    this.socket.on('close', (code) => (this.closeCode = code));
    this.socket.on('message', (message: Buffer) => this.#message(message));
  }

  get text(): string {
    return Buffer.concat([this.snapshot ?? Buffer.alloc(0), ...this.output]).toString();
  }

  /** The last few thousand bytes of output. */
  get tail(): string {
    return Buffer.concat(this.output.slice(-3)).subarray(-4000).toString();
  }

  type(text: string | Uint8Array): void {
    const bytes = Buffer.from(text as string);
    this.socket.send(encodeMessage(FromBrowser.input, u32(this.stream), u64(this.#position), bytes));
    this.#position += bytes.length;
  }

  typeAt(position: number, text: string): void {
    this.socket.send(encodeMessage(FromBrowser.input, u32(this.stream), u64(position), Buffer.from(text)));
    this.#position = Math.max(this.#position, position + text.length);
  }

  resize(cols: number, rows: number): void {
    this.socket.send(encodeMessage(FromBrowser.resize, encodeResize(cols, rows)));
  }

  ack(offset = this.offset): void {
    this.socket.send(encodeMessage(FromBrowser.ack, u64(offset)));
  }

  async shows(text: string, timeoutMs?: number): Promise<void> {
    const what = () => `${JSON.stringify(text)} on the page, which shows ${JSON.stringify(this.text.slice(-1000))}`;
    await until(() => this.text.includes(text), { what, within: timeoutMs });
  }

  #message(message: Buffer): void {
    const { type, payload } = decodeMessage(message);
    if (type === ToBrowser.attached) this.attached = parseJson(payload);
    else if (type === ToBrowser.snapshot) {
      this.offset = readU64(payload);
      this.snapshot = Buffer.from(payload.subarray(8));
    } else if (type === ToBrowser.output) {
      this.offset = readU64(payload);
      this.output.push(Buffer.from(payload.subarray(8)));
      this.outputBytes += payload.length - 8;
      if (this.acking) this.ack();
    } else if (type === ToBrowser.inputAck) this.inputAcked = readU64(payload, 4);
    else if (type === ToBrowser.superseded) this.superseded = true;
    else if (type === ToBrowser.banner) this.banners.push(parseJson(payload));
  }
}

type Options = { cols: number; rows: number; offset: number; stream: number };

export function testFacts(session = randomUUID()): RecordingFacts {
  return { ...recordingFacts, session, openedAt: new Date() };
}

export const testClaim = {
  cols: 80,
  rows: 24,
  env: {},
  kubeconfig: '',
  token: 'token',
  greeting: 'Welcome\r\n',
};
