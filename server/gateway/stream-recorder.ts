/** Writes what a stream's channels carry into a recording, and keeps the facts that the audit log has of it. */
import {
  encodeMark,
  encodeRecord,
  encodeResize,
  type LogRecord,
  type Mark,
  RECORD_DATA_MAX,
  RECORD_HEADER_BYTES,
  RecordKind,
  writeRecord,
} from '../../protocol/log.ts';
import { asksForSecret, exitCodeOf, sizeOf, type StreamFacts, streamTitle } from '../domain/stream-facts.ts';
import { SpareBuffers } from '../spare-buffers.ts';
import type { Channel, Direction, StreamSink } from './stream-channels.ts';

/** As much of a recording as is needed here: see recording/recorder.ts. */
export type StreamLog = {
  readonly pending: number;
  onError: ((error: Error) => void) | undefined;
  append(bytes: Uint8Array, written: () => void): void;
  close(): Promise<void>;
};

export type StreamRecorderOptions = {
  /** Null: facts only, as of a port-forward. */
  log: StreamLog | null;
  /** Bytes after which nothing more is recorded; Infinity where a recording is required. */
  most: number;
  now(): Date;
  /** The recording cannot be written any more. */
  onFailed(error: Error): void;
};

/** What the audit log keeps of a stream at its end. */
export type StreamReport = StreamFacts & {
  recorded: boolean;
  /** Why it is not recorded, or not to its end. */
  unrecorded?: string;
  exitCode: number | null;
  bytes: Record<string, number>;
  connections?: Connection[];
};
type Connection = { port: string; openedAt: string; closedAt: string | null; up: number; down: number };

const kinds = { stdin: RecordKind.input, stdout: RecordKind.output, stderr: RecordKind.error } as const;
/** A Status with its causes. */
const ERROR_MOST = 16 * 1024;
const RESIZE_MOST = 256;
/** Of a port-forward; later ones are counted. */
const CONNECTIONS_MOST = 200;
/** Behind the disk by so much, the stream waits for it. */
const PENDING_MOST = 4 * 1024 * 1024;
const LINE_MOST = 256;
/**
 * Much at once, and what comes while something is written, goes to the disk in pieces of this size, or after so long: each
 * write is another thread's, and it has to be woken.
 */
const GATHERED_MOST = 256 * 1024;
/** Several are written at once while others fill: half of what may be pending. */
const SPARE_MOST = PENDING_MOST / 2 / GATHERED_MOST;
const GATHERED_MS = 10;
/** Below it nobody sends much at once. */
const LARGE = 8 * 1024;

export class StreamRecorder implements StreamSink {
  readonly #facts: StreamFacts;
  readonly #options: StreamRecorderOptions;
  readonly #bytes: Record<string, number> = {};
  readonly #connections = new Map<number, Connection>();
  readonly #told: Connection[] = [];
  #written = 0;
  #unrecorded: string | null = null;
  #error = '';
  /** The end of what the screen shows. */
  #line = '';
  #secret = false;
  #drained: (() => void)[] = [];
  /** Records that are not handed over yet. */
  #gathered: Buffer | null = null;
  #gatheredBytes = 0;
  #gathering: NodeJS.Timeout | undefined;
  readonly #spare = new SpareBuffers(GATHERED_MOST, SPARE_MOST);

  constructor(facts: StreamFacts, options: StreamRecorderOptions) {
    this.#facts = facts;
    this.#options = options;
    const { log } = options;
    if (!log) return;
    log.onError = (error) => {
      this.#stop(`it could not be written: ${error.message}`);
      for (const resume of this.#drained.splice(0)) resume();
      options.onFailed(error);
    };
    this.#mark({ mark: 'stream', what: streamTitle(facts), tty: facts.tty });
  }

  data(channel: Channel, bytes: Uint8Array): void {
    this.#bytes[channel] = (this.#bytes[channel] ?? 0) + bytes.length;
    if (channel === 'error') {
      if (this.#error.length < ERROR_MOST) this.#error += new TextDecoder().decode(bytes);
    } else if (channel === 'resize') this.#resize(bytes);
    else if (channel === 'stdin' && this.#facts.tty) this.#typed(bytes);
    else {
      if (channel === 'stdout' && this.#facts.tty) this.#shown(bytes);
      this.#record(kinds[channel], bytes);
    }
  }

  connected(connection: number, port: string): void {
    const facts = { port, openedAt: this.#options.now().toISOString(), closedAt: null, up: 0, down: 0 };
    this.#connections.set(connection, facts);
    this.#bytes['connections'] = (this.#bytes['connections'] ?? 0) + 1;
    if (this.#told.length < CONNECTIONS_MOST) this.#told.push(facts);
  }

  moved(connection: number, direction: Direction, bytes: number): void {
    const facts = this.#connections.get(connection);
    if (facts) facts[direction] += bytes;
  }

  closed(connection: number): void {
    const facts = this.#connections.get(connection);
    if (facts) facts.closedAt = this.#options.now().toISOString();
    this.#connections.delete(connection);
  }

  /** What follows is not recorded. */
  cut(why: string): void {
    if (this.#unrecorded !== null) return;
    this.#mark({ mark: 'cut', why });
    this.#stop(why);
  }

  /** Bytes that are not written yet. */
  get pending(): number {
    return this.#gatheredBytes + (this.#options.log?.pending ?? 0);
  }

  /** Resolves once the disk has caught up, at once where it has. */
  drained(): Promise<void> | null {
    if (!this.#options.log || this.#options.log.pending < PENDING_MOST) return null;
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** The end; the recording is closed when this resolves. */
  async finish(): Promise<StreamReport> {
    const exitCode = exitCodeOf(this.#error);
    if (exitCode !== null) this.#mark({ mark: 'exit', code: exitCode, signal: null });
    const { log } = this.#options;
    this.#handOver();
    await log?.close().catch((error: Error) => this.#stop(`it could not be closed: ${error.message}`));
    return {
      ...this.#facts,
      recorded: log !== null,
      ...(this.#unrecorded === null ? {} : { unrecorded: this.#unrecorded }),
      exitCode,
      bytes: this.#bytes,
      ...(this.#facts.kind === 'port-forward' ? { connections: this.#told } : {}),
    };
  }

  #stop(why: string): void {
    this.#unrecorded ??= why;
  }

  #resize(bytes: Uint8Array): void {
    if (bytes.length > RESIZE_MOST) return;
    const size = sizeOf(new TextDecoder().decode(bytes));
    if (size) this.#record(RecordKind.resize, encodeResize(size.cols, size.rows));
  }

  #shown(bytes: Uint8Array): void {
    const text = this.#line + new TextDecoder().decode(bytes.subarray(-LINE_MOST));
    this.#line = text.slice(text.lastIndexOf('\n') + 1).slice(-LINE_MOST);
  }

  /** What is typed at a prompt for a secret is not in the recording, up to the end of the line. */
  #typed(bytes: Uint8Array): void {
    if (!this.#secret && asksForSecret(this.#line)) {
      this.#secret = true;
      this.#mark({ mark: 'secret' });
    }
    if (!this.#secret) return this.#record(RecordKind.input, bytes);
    const end = bytes.findIndex((byte) => byte === 13 || byte === 10 || byte === 3);
    if (end < 0) return;
    this.#secret = false;
    this.#line = '';
    this.#record(RecordKind.input, bytes.subarray(end));
  }

  #record(kind: RecordKind, bytes: Uint8Array): void {
    const { most } = this.#options;
    if (this.#unrecorded !== null) return;
    if (this.#written + bytes.length > most) return this.cut(`it is longer than ${most} bytes`);
    for (let at = 0; at < bytes.length; at += RECORD_DATA_MAX)
      this.#append(kind, bytes.subarray(at, at + RECORD_DATA_MAX));
  }

  #mark(mark: Mark): void {
    if (this.#unrecorded === null) this.#append(RecordKind.mark, encodeMark(mark));
  }

  #append(kind: RecordKind, data: Uint8Array): void {
    const { log, now } = this.#options;
    if (!log) return;
    this.#written += data.length;
    const record: LogRecord = { kind, time: BigInt(now().getTime()) * 1_000n, data };
    if (data.length < LARGE && this.pending === 0) {
      log.append(encodeRecord(record), () => this.#resume());
      return;
    }
    if (this.#gatheredBytes + RECORD_HEADER_BYTES + data.length > GATHERED_MOST) this.#handOver();
    this.#gathered ??= this.#spare.take();
    this.#gatheredBytes = writeRecord(record, this.#gathered, this.#gatheredBytes);
    this.#gathering ??= setTimeout(() => this.#handOver(), GATHERED_MS);
  }

  #handOver(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    const buffer = this.#gathered;
    if (!buffer) return;
    const records = buffer.subarray(0, this.#gatheredBytes);
    this.#gathered = null;
    this.#gatheredBytes = 0;
    this.#options.log!.append(records, () => {
      this.#spare.giveBack(buffer);
      this.#resume();
    });
  }

  #resume(): void {
    if (this.#drained.length === 0 || this.#options.log!.pending >= PENDING_MOST / 2) return;
    for (const resume of this.#drained.splice(0)) resume();
  }
}
