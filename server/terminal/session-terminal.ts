/**
 * One session's terminal: the host's log goes into the recording and from there to the page; the page's input goes to
 * the host. Longer than most files because these three meet in one order that must hold: what a page sees is written,
 * what the host may forget is written, and an exit counts once it is written.
 */
import type { Duplex } from 'node:stream';
import {
  CloseCode,
  FrameError,
  FromHost,
  json,
  parseJson,
  readU32,
  readU64,
  ToBrowser,
  ToHost,
  u32,
  u64,
  type Banner,
  type Claim,
  type Frame,
  type HostAttached,
  type HostHello,
  type HostRefusal,
} from '../../protocol/frames.ts';
import {
  CorruptLogError,
  decodeMark,
  decodeRecords,
  decodeResize,
  encodeResize,
  RecordKind,
  type LogRecord,
  type Mark,
} from '../../protocol/log.ts';
import { isHumanInput } from '../domain/human-input.ts';
import { Problem } from '../domain/problem.ts';
import type { RecordingFacts } from '../domain/recording.ts';
import { CheckpointClock } from './checkpoint-clock.ts';
import type { Log, Recorder, Recordings, Terminal, TerminalEvents } from './contract.ts';
import type { FrameChannel } from './frame-channel.ts';
import { HostLink } from './host-link.ts';
import { InputQueue } from './input-queue.ts';
import { LAST_MARK_BYTES, lastMark } from './last-mark.ts';
import type { Page, PageSource } from './page.ts';
import { Transfers } from './transfers.ts';

/** Handed to the recorder and not written: past this the host's stream is not read. */
const RECORDER_BYTES = 256 * 1024;
/** A page that comes back gets what it missed while it is less than this; else a snapshot, which is smaller. */
const DELTA_BYTES = 1024 * 1024;
/** A log that is this short is its own snapshot, where no size changed. */
const REPLAY_BYTES = 64 * 1024;
/** `rendered` moves the brake of 512 KiB; telling the host of less than this is not worth a frame. */
const RENDERED_STEP = 32 * 1024;
/** `recorded` moves the brake of 4 MiB and lets the host forget: worth a frame after this much, or this long. */
const RECORDED_STEP = 32 * 1024;
const RECORDED_MS = 50;
/** A host dials again within a second of losing its connection; one that is away for longer is told of. */
const AWAY_MS = 2_000;
const HUMAN_INPUT_EVERY_MS = 1000;
/** More than the host takes to hang up a shell that ignores it (2 s) and to read what is left. */
const DRAIN_MS = 8000;

export type TerminalDeps = { recordings: Recordings; events: TerminalEvents; now: () => Date; log: Log };
export type PageRequest = { stream: number; cols: number; rows: number; offset: number | undefined };

export class SessionTerminal implements Terminal {
  readonly sandbox: string;
  readonly connected: Promise<void>;
  readonly firstOutput: Promise<void>;
  readonly #deps: TerminalDeps;
  readonly #closedHook: () => void;
  readonly #link: HostLink;
  readonly #input: InputQueue;
  readonly #transfers: Transfers;
  readonly #connected = Promise.withResolvers<void>();
  readonly #firstOutput = Promise.withResolvers<void>();
  readonly #drained = Promise.withResolvers<void>();
  /** The recording is open. */
  readonly #opened = Promise.withResolvers<void>();
  #facts: RecordingFacts | undefined;
  #lease = 0;
  #claim: Claim | undefined;
  #recorder: Recorder | undefined;
  /** The host's state as of its last hello; undefined before the first. */
  #hello: HostHello | undefined;
  #attached = false;
  #received = 0;
  #outputs = 0;
  #paused = false;
  #page: Page | undefined;
  #rendered = 0;
  #renderedTold = 0;
  #size = { cols: 0, rows: 0 };
  /** Whether the log is known to hold one size only. */
  #oneSize = false;
  #token: string | undefined;
  #humanAt = 0;
  #recordedTold = 0;
  /** Runs while the host has not been told of something that is recorded. */
  #tellRecorded: NodeJS.Timeout | undefined;
  readonly #checkpoints = new CheckpointClock((offset) => this.#deps.recordings.checkpoint(this.#facts!, offset));
  #exit: Extract<Mark, { mark: 'exit' }> | undefined;
  #state: Uint8Array | undefined;
  #closed = false;
  #faulted = false;
  #faultBanner: Banner | undefined;
  /** Runs while the host is expected. */
  #awaited: NodeJS.Timeout | undefined;
  #away = false;

  constructor(sandbox: string, secret: Buffer, deps: TerminalDeps, closed: () => void) {
    this.sandbox = sandbox;
    this.#deps = deps;
    this.#closedHook = closed;
    this.connected = this.#connected.promise;
    this.firstOutput = this.#firstOutput.promise;
    // nobody need wait for either
    this.connected.catch(() => {});
    this.firstOutput.catch(() => {});
    this.#link = new HostLink(
      secret,
      {
        connected: (hello) => this.#hostConnected(hello),
        frame: (frame) => this.#hostFrame(frame),
        lost: (error) => this.#hostLost(error),
        file: (id, channel: FrameChannel) => this.#transfers.connected(id, channel),
      },
      deps.log,
    );
    this.#input = new InputQueue(({ stream, position, bytes }) =>
      this.#link.send(ToHost.input, u32(stream), u64(position), bytes),
    );
    this.#transfers = new Transfers(
      (request) => this.#link.send(ToHost.file, json(request)),
      () => this.#attached,
      () => this.human(),
    );
  }

  get recordedBytes(): number {
    return this.#recorder?.size ?? 0;
  }

  get answering(): boolean {
    return this.#link.connected;
  }

  /** Bytes on their way to the recording and to the page. */
  get queued(): number {
    return (this.#recorder?.pending ?? 0) + (this.#page?.queued ?? 0);
  }

  get transfers(): Transfers {
    return this.#transfers;
  }

  terminal(stream: Duplex): void {
    this.#link.accept(stream);
  }

  async claim(facts: RecordingFacts, lease: number, claim: Claim): Promise<void> {
    await this.#record(facts, lease);
    this.#size = { cols: claim.cols, rows: claim.rows };
    this.#oneSize = true;
    this.#claim = claim;
    this.#token = claim.token;
    this.#opened.resolve();
    if (this.#link.connected) this.#attach();
    // a host that dials later is attached to when it does
    else await this.connected;
  }

  async resume(facts: RecordingFacts, lease: number): Promise<void> {
    await this.#record(facts, lease);
    // what was shown before the restart was answered then
    this.#rendered = this.#renderedTold = this.recordedBytes;
    if (this.recordedBytes > 0) this.#firstOutput.resolve();
    this.#opened.resolve();
    const tail = Math.min(this.recordedBytes, LAST_MARK_BYTES);
    const last = lastMark(await this.#deps.recordings.read(facts, this.recordedBytes - tail, tail));
    if (last) this.#noteRecord(last);
    this.#attach();
    if (!this.#exit) this.#awaitHost();
  }

  setCredential(token: string): void {
    this.#token = token;
    if (this.#attached) this.#link.send(ToHost.credential, json({ token }));
  }

  state(session: unknown): void {
    this.#state = json(session);
    this.#page?.send(ToBrowser.state, this.#state);
  }

  banner(banner: Banner): void {
    this.#page?.send(ToBrowser.banner, json(banner));
  }

  async end(reason: string, drainMs = DRAIN_MS): Promise<void> {
    if (this.#attached && !this.#exit && !this.#faulted) {
      this.#link.send(ToHost.end, json({ reason }));
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, drainMs)));
      await Promise.race([this.#drained.promise, late]);
      clearTimeout(timer);
    }
    await this.#close(CloseCode.ended, 'the session ended');
  }

  release(): Promise<void> {
    return this.#close(CloseCode.stopping, 'the portal stops');
  }

  /** A person did something that counts as being there. */
  human(): void {
    const at = this.#deps.now();
    if (at.getTime() - this.#humanAt < HUMAN_INPUT_EVERY_MS) return;
    this.#humanAt = at.getTime();
    this.#deps.events.humanInput(this.sandbox, at);
  }

  /** The newest page holds the session. Returns the page, whose frames come in by {@link fromPage}. */
  attachPage(page: (source: PageSource) => Page, request: PageRequest): Page {
    this.#page?.send(ToBrowser.superseded, json({ reason: 'Another page holds this session now.' }));
    this.#page?.close(CloseCode.superseded, 'superseded');
    const made: Page = page({
      written: () => this.recordedBytes,
      read: (offset, length) => this.#deps.recordings.read(this.#facts!, offset, length),
      rendered: (offset) => {
        if (this.#page === made) this.#pageRendered(offset);
      },
      failed: (error) => this.#fault(`The recording could not be read: ${error.message}`),
    });
    this.#page = made;
    made.socket.once('close', () => {
      if (this.#page !== made) return;
      this.#page = undefined;
      this.#link.send(ToHost.viewer, Uint8Array.of(0));
      if (!this.#closed) this.#deps.events.detached(this.sandbox);
    });
    if (this.#state) made.send(ToBrowser.state, this.#state);
    this.#deps.events.attached(this.sandbox, made.facts);
    if (this.#faultBanner) made.send(ToBrowser.banner, json(this.#faultBanner));
    void this.#opened.promise.then(() => this.#show(made, request));
    return made;
  }

  input(page: Page, payload: Uint8Array): void {
    const input = { stream: readU32(payload), position: readU64(payload, 4), bytes: payload.subarray(12) };
    if (input.stream !== page.stream) throw new FrameError('a page writes to its own stream');
    if (this.#faulted) return;
    if (isHumanInput(input.bytes)) this.human();
    this.#input.push(input);
    if (this.#input.full) page.socket.pause();
  }

  /** Sizes are 1 to 1,000 each. */
  resize(cols: number, rows: number): void {
    if (cols === this.#size.cols && rows === this.#size.rows) return;
    this.#size = { cols, rows };
    this.#oneSize = false;
    if (this.#attached) this.#link.send(ToHost.resize, encodeResize(cols, rows));
  }

  get page(): Page | undefined {
    return this.#page;
  }

  get facts(): RecordingFacts | undefined {
    return this.#facts;
  }

  async #show(page: Page, request: PageRequest): Promise<void> {
    if (this.#page !== page) return;
    this.resize(request.cols, request.rows);
    const written = this.recordedBytes;
    const inputPosition = this.#input.position(request.stream);
    const start = (offset: number, cols: number, rows: number, snapshot?: Uint8Array) => {
      if (this.#page !== page) return;
      page.start({ offset, live: this.#rendered, inputPosition, cols, rows }, snapshot);
      this.#link.send(ToHost.viewer, Uint8Array.of(1));
    };
    try {
      if (await this.#continues(request.offset, written)) return start(request.offset!, request.cols, request.rows);
      if (this.#oneSize && written <= REPLAY_BYTES) return start(0, request.cols, request.rows);
      const screen = await this.#deps.recordings.screenAt(this.#facts!, written);
      // the snapshot holds the questions of programs, and nobody sees them to answer
      this.#rendered = Math.max(this.#rendered, screen.offset);
      start(screen.offset, screen.cols, screen.rows, screen.snapshot);
    } catch (error) {
      this.#fault(`The screen could not be restored: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Whether the page's output can go on from its offset: a record's start, not too far back. */
  async #continues(offset: number | undefined, written: number): Promise<boolean> {
    if (offset === undefined || offset > written || written - offset > DELTA_BYTES) return false;
    if (offset === written) return true;
    try {
      const head = await this.#deps.recordings.read(this.#facts!, offset, Math.min(written - offset, 128 * 1024));
      return decodeRecords(head).consumed > 0;
    } catch {
      return false;
    }
  }

  #pageRendered(offset: number): void {
    this.#rendered = Math.max(this.#rendered, offset);
    if (offset - this.#renderedTold < RENDERED_STEP) return;
    this.#renderedTold = offset;
    this.#link.send(ToHost.rendered, u64(offset));
  }

  async #record(facts: RecordingFacts, lease: number): Promise<void> {
    if (this.#closed) throw closedProblem();
    const recorder = await this.#deps.recordings.record(facts);
    if (this.#closed) {
      await recorder.close();
      throw closedProblem();
    }
    recorder.onError = (error) => this.#fault(recordingMessage(error));
    this.#recorder = recorder;
    this.#facts = facts;
    this.#lease = lease;
    this.#received = this.recordedBytes;
    this.#checkpoints.start(this.recordedBytes);
  }

  #hostConnected(hello: HostHello): void {
    this.#hello = hello;
    this.#connected.resolve();
    this.#attach();
  }

  /** Tells the host whose it is and from where to send its log, once both the host and the session are there. */
  #attach(): void {
    if (!this.#hello || !this.#facts || !this.#link.connected || this.#closed || this.#faulted) return;
    if (this.#hello.state === 'warm') {
      if (!this.#claim) return this.#fault('The session host lost its shell.');
      this.#link.send(ToHost.claim, json(this.#claim));
    }
    // what the recorder was handed is written before the answer to anything sent after it
    this.#received = this.recordedBytes + (this.#recorder?.pending ?? 0);
    this.#link.send(ToHost.attach, u64(this.#lease), u64(this.#received));
  }

  #hostLost(error: Error | undefined): void {
    this.#attached = this.#paused = false;
    this.#input.close();
    this.#transfers.lost();
    if (this.#exit || this.#closed) return;
    if (error instanceof CorruptLogError || error instanceof FrameError)
      this.#fault(`The session host sent what cannot be: ${error.message}.`);
    else {
      this.#deps.log.info({ session: this.sandbox }, 'the session host is away');
      if (this.#facts) this.#awaitHost();
    }
  }

  #awaitHost(): void {
    clearTimeout(this.#awaited);
    this.#awaited = setTimeout(() => {
      if (this.#attached || this.#closed || this.#faulted) return;
      this.#away = true;
      this.#deps.events.answers(this.sandbox, false);
    }, AWAY_MS);
  }

  #hostFrame({ type, payload }: Frame): void {
    if (type === FromHost.log) return this.#hostLog(readU64(payload), payload.subarray(8));
    if (type === FromHost.inputAck) return this.#inputAck(readU32(payload), readU64(payload, 4));
    if (type === FromHost.attached) return this.#hostAttached(parseJson<HostAttached>(payload));
    if (type === FromHost.refused) {
      const { code, message } = parseJson<HostRefusal>(payload);
      if (code === 'stale-generation' || code === 'superseded') {
        this.#deps.log.warn({ session: this.sandbox, code }, 'another portal holds the session host');
        void this.release();
      } else this.#fault(`The session host refused: ${message}`);
      return;
    }
    throw new FrameError(`no frame of type ${type} is due`);
  }

  #hostAttached(host: HostAttached): void {
    this.#attached = true;
    clearTimeout(this.#awaited);
    if (this.#away) this.#deps.events.answers(this.sandbox, true);
    this.#away = false;
    // the page may have changed size while the host was away
    const { cols, rows } = this.#size;
    const differs = cols > 0 && (cols !== host.cols || rows !== host.rows);
    if (differs && (this.#page || this.#claim)) this.#link.send(ToHost.resize, encodeResize(cols, rows));
    else this.#size = { cols: host.cols, rows: host.rows };
    if (this.#token !== undefined) this.#link.send(ToHost.credential, json({ token: this.#token }));
    // a portal that died between writing and saying so leaves a host that waits to hear it
    this.#recorded(this.recordedBytes);
    for (const [stream, position] of host.inputs) this.#inputAck(stream, position);
    this.#input.open();
    if (this.#page) this.#link.send(ToHost.viewer, Uint8Array.of(1));
    this.#renderedTold = 0;
  }

  #inputAck(stream: number, position: number): void {
    this.#input.ack(stream, position);
    const page = this.#page;
    if (!page) return;
    if (page.stream === stream) page.send(ToBrowser.inputAck, u32(stream), u64(position));
    if (page.socket.isPaused && !this.#input.full) page.socket.resume();
  }

  #hostLog(offset: number, bytes: Uint8Array): void {
    if (this.#faulted) return;
    if (offset !== this.#received)
      throw new FrameError(`the log goes on at ${offset}, ${this.#received} is due: output is missing or doubled`);
    const { records, consumed } = decodeRecords(bytes);
    if (consumed !== bytes.length) throw new CorruptLogError(consumed, 'a record is cut off');
    const start = this.#received;
    this.#received += bytes.length;
    const recorder = this.#recorder!;
    recorder.append(bytes, () => this.#written(start, start + bytes.length, records));
    if (recorder.pending > RECORDER_BYTES && !this.#paused) {
      this.#paused = true;
      this.#link.pause();
    }
  }

  #written(start: number, end: number, records: LogRecord[]): void {
    this.#page?.push(start, records);
    if (this.#paused && this.#recorder!.pending <= RECORDER_BYTES / 2) {
      this.#paused = false;
      this.#link.resume();
    }
    for (const record of records) if (record.kind !== RecordKind.input) this.#noteRecord(record);
    // a host whose shell has exited waits for it
    if (this.#exit || end - this.#recordedTold >= RECORDED_STEP) this.#recorded(end);
    else this.#tellRecorded ??= setTimeout(() => this.#recorded(this.recordedBytes), RECORDED_MS);
    this.#checkpoints.written(end);
  }

  #recorded(end: number): void {
    clearTimeout(this.#tellRecorded);
    this.#tellRecorded = undefined;
    this.#recordedTold = end;
    this.#link.send(ToHost.recorded, u64(end));
  }

  #noteRecord(record: LogRecord): void {
    if (record.kind === RecordKind.output) {
      // the first is the greeting, where there is one
      if (++this.#outputs > (this.#claim?.greeting ? 1 : 0)) this.#firstOutput.resolve();
      return;
    }
    if (record.kind === RecordKind.resize) {
      const size = decodeResize(record.data);
      if (size.cols !== this.#facts!.cols || size.rows !== this.#facts!.rows) this.#oneSize = false;
      return;
    }
    const mark = decodeMark(record.data);
    if (mark.mark === 'hidden-shell') this.#deps.events.hiddenShell(this.sandbox, mark.detail);
    if (mark.mark !== 'exit') return;
    this.#exit = mark;
    this.#firstOutput.resolve();
    this.#drained.resolve();
    this.#deps.events.exited(this.sandbox, { code: mark.code, signal: mark.signal });
  }

  /** The terminal stops here and says why: no input, no more output, until the session is ended. */
  #fault(message: string): void {
    if (this.#faulted || this.#closed) return;
    this.#faulted = true;
    this.#attached = false;
    this.#input.close();
    this.#link.pause();
    this.#drained.resolve();
    this.#deps.log.warn({ session: this.sandbox, fault: message }, 'a terminal cannot go on');
    this.#faultBanner = { kind: 'error', code: 'terminal-fault', text: message };
    this.banner(this.#faultBanner);
    this.#deps.events.fault(this.sandbox, message);
  }

  async #close(code: number, reason: string): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#checkpoints[Symbol.dispose]();
    if (this.#tellRecorded) this.#recorded(this.recordedBytes);
    clearTimeout(this.#awaited);
    this.#transfers.lost();
    this.#link.close();
    this.#page?.close(code, reason);
    this.#connected.reject(closedProblem());
    this.#firstOutput.reject(closedProblem());
    this.#closedHook();
    await this.#recorder?.close();
  }
}

function closedProblem(): Problem {
  return new Problem('terminal-closed', 409, 'The terminal was closed.', { next: 'Open a new session.' });
}

/** For the person whose terminal stopped: without a recording there is no terminal. */
function recordingMessage(error: NodeJS.ErrnoException): string {
  const why =
    error.code === 'ENOSPC' || error.code === 'EDQUOT'
      ? 'the disk that holds recordings is full'
      : `writing it failed (${error.code ?? error.message})`;
  return `The session cannot be recorded any more: ${why}. Without a recording there is no terminal.`;
}
