/**
 * One attached page: a cursor in the recording. While the page keeps up, what was just written goes to it at once;
 * when it does not, nothing is queued for it, and it catches up by reading the recording. So whatever a page does, a
 * bounded number of bytes waits for it here.
 */
import type { Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { encodeMessage, json, ToBrowser, u64, type Attached } from '../../protocol/frames.ts';
import { decodeRecords, RECORD_HEADER_BYTES, RecordKind, type LogRecord } from '../../protocol/log.ts';
import { joinWrites } from '../../protocol/one-write.ts';
import type { PageFacts } from './contract.ts';

/** Output is gathered for this long once more comes than somebody who types causes. Longer shows in typing. */
const BATCH_MS = 4;
const BATCH_BYTES = 64 * 1024;
/** In that time, chunks of at most this size go at once, while the page shows them as they come or up to this many. */
const SMALL_BYTES = 1024;
const SMALL_MOST = 16;
/** Of output that the page has not said to have shown. The host's own brake (512 KiB) comes first with honest pages. */
const WINDOW_BYTES = 768 * 1024;
/** In the socket's own queue. With the recorder's it stays below 1 MiB. */
const SOCKET_BYTES = 384 * 1024;
const CATCH_UP_BYTES = 128 * 1024;

export type PageSource = {
  /** Bytes of the log that are written. */
  written(): number;
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Everything before the offset is on the page's screen. */
  rendered(offset: number): void;
  failed(error: Error): void;
};

export class Page {
  readonly socket: WebSocket;
  readonly facts: PageFacts;
  /** The page load's input stream. */
  readonly stream: number;
  readonly #carrier: Writable;
  readonly #source: PageSource;
  #started = false;
  #closed = false;
  /** What came before the first frame may go out. */
  #early: Uint8Array[] = [];
  /** The log up to here is sent or in the batch. */
  #cursor = 0;
  #sent = 0;
  #acked = 0;
  #live = false;
  #pumping = false;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  /** Runs while output is gathered. */
  #timer: NodeJS.Timeout | undefined;
  #small = 0;

  /** `carrier`: the connection that carries the WebSocket. */
  constructor(socket: WebSocket, carrier: Writable, facts: PageFacts, stream: number, source: PageSource) {
    this.socket = socket;
    this.#carrier = carrier;
    this.facts = facts;
    this.stream = stream;
    this.#source = source;
    socket.once('close', () => this.#stop());
  }

  get queued(): number {
    return this.#batchBytes + this.socket.bufferedAmount;
  }

  /** First frames; output follows by itself from `attached.offset`, which is the snapshot's where there is one. */
  start(attached: Attached, snapshot?: Uint8Array): void {
    if (this.#closed) return;
    this.#started = true;
    this.#cursor = this.#sent = this.#acked = attached.offset;
    this.#write(encodeMessage(ToBrowser.attached, json(attached)));
    if (snapshot) this.#write(encodeMessage(ToBrowser.snapshot, u64(attached.offset), snapshot));
    for (const message of this.#early.splice(0)) this.#write(message);
    void this.#catchUp();
  }

  /** Written just now: records from `start` on. */
  push(start: number, records: LogRecord[]): void {
    if (!this.#live || start !== this.#cursor) return;
    if (this.#blocked()) {
      this.#flush();
      this.#live = false;
      return;
    }
    this.#take(records);
    // Input's records bring nothing to show, and do not count.
    if (this.#batchBytes > 0 && (!this.#timer || (this.#batchBytes <= SMALL_BYTES && this.#keepsUp()))) this.#flush();
    if (this.#acked >= this.#sent && this.#batchBytes === 0) this.#source.rendered(this.#cursor);
  }

  /** The page has shown everything up to the offset. False where that was never sent. */
  ack(offset: number): boolean {
    if (offset > this.#sent) return false;
    if (offset <= this.#acked) return true;
    this.#acked = offset;
    this.#source.rendered(offset >= this.#sent && this.#batchBytes === 0 ? this.#cursor : offset);
    if (!this.#live) void this.#catchUp();
    return true;
  }

  /** Any other frame; held back until the first ones are out. */
  send(type: number, ...parts: Uint8Array[]): void {
    const message = encodeMessage(type, ...parts);
    if (this.#started) this.#write(message);
    else this.#early.push(message);
  }

  close(code: number, reason: string): void {
    this.#flush();
    this.#stop();
    this.socket.close(code, reason);
  }

  #stop(): void {
    this.#closed = true;
    this.#live = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#batch = [];
    this.#batchBytes = 0;
  }

  /** Echoes do not wait for a batch, however fast the keys; what no page could show one by one does. */
  #keepsUp(): boolean {
    return this.#acked >= this.#sent || ++this.#small <= SMALL_MOST;
  }

  #blocked(): boolean {
    const unshown = this.#sent > this.#acked ? this.#cursor - this.#acked : this.#batchBytes;
    return unshown > WINDOW_BYTES || this.socket.bufferedAmount > SOCKET_BYTES;
  }

  #take(records: LogRecord[]): void {
    for (const { kind, data } of records) {
      this.#cursor += RECORD_HEADER_BYTES + data.length;
      if (kind !== RecordKind.output) continue;
      this.#batch.push(data);
      this.#batchBytes += data.length;
      if (this.#batchBytes >= BATCH_BYTES) this.#flush();
    }
  }

  #flush(): void {
    if (this.#batchBytes === 0 || this.#closed) return;
    this.#write(encodeMessage(ToBrowser.output, u64(this.#cursor), ...this.#batch));
    this.#sent = this.#cursor;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#small = 0;
      this.#flush();
    }, BATCH_MS);
  }

  async #catchUp(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (!this.#closed && !this.#live && !this.#blocked()) {
        if (this.#cursor >= this.#source.written()) {
          this.#live = true;
          break;
        }
        const bytes = await this.#source.read(this.#cursor, CATCH_UP_BYTES);
        const { records, consumed } = decodeRecords(bytes);
        if (consumed === 0) throw new Error('the recording is shorter than what was written to it');
        if (this.#closed) return;
        this.#take(records);
        this.#flush();
        if (this.#acked >= this.#sent) this.#source.rendered(this.#cursor);
      }
    } catch (error) {
      this.#source.failed(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#pumping = false;
    }
  }

  #write(message: Uint8Array): void {
    joinWrites(this.#carrier);
    this.socket.send(message, this.#drained);
  }

  readonly #drained = (): void => {
    if (!this.#live && this.#started && !this.#closed) void this.#catchUp();
  };
}
