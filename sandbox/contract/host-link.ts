/**
 * The portal's half of a connection to a session host, as small as it can be: the contract suite speaks the protocol
 * through it. What the host sent is kept as it came.
 */
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { until } from '../../e2e/machine/until.ts';
import {
  encodeFrame,
  FrameReader,
  FromHost,
  json,
  parseJson,
  readU32,
  readU64,
  ToHost,
} from '../../protocol/frames.ts';
import { u32, u64 } from '../../protocol/frames.ts';
import type { Claim, Frame, HostAttached, HostHello, HostRefusal } from '../../protocol/frames.ts';
import { checkProof, encodeChallenge, NONCE_BYTES } from '../../protocol/handshake.ts';
import { decodeMark, decodeRecords, RecordKind } from '../../protocol/log.ts';
import type { LogRecord, Mark } from '../../protocol/log.ts';

export class HostLink {
  hello: HostHello | null = null;
  proven = false;
  attached: HostAttached | null = null;
  refusal: HostRefusal | null = null;
  closed = false;
  /** All frames that are not the handshake's or the log's. */
  frames: Frame[] = [];
  /** The log from the offset of the attach on. */
  log: Buffer[] = [];
  logStart = 0;
  logEnd = 0;
  acked = new Map<number, number>();
  /** Whether `recorded` follows what arrives, as a recorder's does. */
  recording = true;
  onLog: () => void = () => {};
  readonly stream: Duplex;
  #reader = new FrameReader();
  #secret: Uint8Array;
  #nonce = randomBytes(NONCE_BYTES);

  constructor(stream: Duplex, secret: Uint8Array) {
    this.stream = stream;
    this.#secret = secret;
    stream.on('data', (chunk: Buffer) => {
      for (const frame of this.#reader.push(chunk)) this.#frame(frame);
    });
    stream.on('error', () => {});
    stream.on('close', () => (this.closed = true));
    stream.on('end', () => stream.end());
  }

  send(type: number, ...parts: Uint8Array[]): void {
    this.stream.write(encodeFrame(type, ...parts));
  }

  async ready(): Promise<void> {
    await until(() => this.proven, { what: 'the host proves the secret' });
  }

  claim(claim: Partial<Claim> = {}): void {
    const whole: Claim = { token: 't0ken', cols: 80, rows: 24, env: {}, kubeconfig: '', greeting: '', ...claim };
    this.send(ToHost.claim, json(whole));
  }

  async attach(generation: number, offset: number): Promise<HostAttached> {
    this.logStart = this.logEnd = offset;
    this.log = [];
    this.send(ToHost.attach, u64(generation), u64(offset));
    await until(() => this.attached !== null || this.refusal !== null, { what: 'the host answers the attach' });
    if (!this.attached) throw new Error(`${this.refusal?.code}: ${this.refusal?.message}`);
    return this.attached;
  }

  input(stream: number, position: number, bytes: string | Uint8Array): void {
    this.send(ToHost.input, u32(stream), u64(position), typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  }

  #stream1 = 0;

  /** Types on a stream of its own. */
  type(text: string): void {
    const bytes = Buffer.from(text);
    this.input(1, this.#stream1, bytes);
    this.#stream1 += bytes.length;
  }

  /** Continues the typing of a former connection. */
  typeFrom(position: number): void {
    this.#stream1 = position;
  }

  records(): LogRecord[] {
    return decodeRecords(Buffer.concat(this.log)).records;
  }

  output(): Buffer {
    return this.#data(RecordKind.output);
  }

  inputRecorded(): Buffer {
    return this.#data(RecordKind.input);
  }

  marks(): Mark[] {
    return this.records()
      .filter((record) => record.kind === RecordKind.mark)
      .map((record) => decodeMark(record.data));
  }

  async shows(text: string | RegExp, timeoutMs?: number): Promise<void> {
    const found = () => {
      const shown = this.output().toString('latin1');
      return typeof text === 'string' ? shown.includes(text) : text.test(shown);
    };
    const what = () => `${text} in the terminal, which shows ${this.output().subarray(-2000).toString()}`;
    await until(found, { what, within: timeoutMs });
  }

  /** Closes at once, as a portal that is killed. */
  drop(): void {
    this.stream.destroy();
  }

  #data(kind: RecordKind): Buffer {
    return Buffer.concat(
      this.records()
        .filter((record) => record.kind === kind)
        .map((record) => record.data),
    );
  }

  #frame(frame: Frame): void {
    switch (frame.type) {
      case FromHost.hello: {
        this.hello = parseJson<HostHello>(frame.payload);
        const nonce = Buffer.from(this.hello.nonce, 'base64url');
        this.send(ToHost.challenge, encodeChallenge(this.#secret, this.#nonce, nonce));
        return;
      }
      case FromHost.proof: {
        const nonce = Buffer.from(this.hello!.nonce, 'base64url');
        this.proven = checkProof(this.#secret, frame.payload, this.#nonce, nonce);
        return;
      }
      case FromHost.attached:
        this.attached = parseJson<HostAttached>(frame.payload);
        return;
      case FromHost.refused:
        this.refusal = parseJson<HostRefusal>(frame.payload);
        return;
      case FromHost.inputAck:
        this.acked.set(readU32(frame.payload), readU64(frame.payload, 4));
        return;
      case FromHost.log:
        return this.#append(readU64(frame.payload), frame.payload.subarray(8));
      default:
        this.frames.push(frame);
    }
  }

  #append(offset: number, bytes: Uint8Array): void {
    if (offset !== this.logEnd) throw new Error(`the log goes on at ${offset}, not at ${this.logEnd}`);
    this.log.push(Buffer.from(bytes));
    this.logEnd += bytes.length;
    if (this.recording) this.send(ToHost.recorded, u64(this.logEnd));
    this.onLog();
  }
}
