/**
 * The session log: one ordered run of what happened in a terminal (output, input, resizes, marks).
 *
 * The session host writes it, the recorder stores it byte for byte, and an *offset* is always a byte offset into
 * this encoding, counted from the session's start. A record is
 *
 *     u8 kind | u64 time (µs since the Unix epoch, big endian) | u32 length (big endian) | data
 *
 * See docs/protocol.md.
 */

/** `error`: stderr, of a stream without a terminal. */
export const RecordKind = { output: 1, input: 2, resize: 3, mark: 4, error: 5 } as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

export const RECORD_HEADER_BYTES = 13;
/** One record never holds more, so that every reader can bound its buffer. */
export const RECORD_DATA_MAX = 64 * 1024;

/** What a mark says. `secret`: input was typed at a no-echo prompt and is not in the log. */
export type Mark =
  | { mark: 'secret' }
  | { mark: 'hidden-shell'; detail: string }
  | { mark: 'exit'; code: number | null; signal: number | null }
  /** What is recorded is no shell of ours but a stream to a pod. Without `tty` its lines end without a return. */
  | { mark: 'stream'; what: string; tty: boolean }
  /** From here on it is not recorded any more. */
  | { mark: 'cut'; why: string }
  | { mark: 'file'; direction: 'upload' | 'download'; path: string; bytes: number };

export type LogRecord = {
  kind: RecordKind;
  /** µs since the Unix epoch. */
  time: bigint;
  data: Uint8Array;
};

/** The bytes of one record. Throws RangeError where the data is longer than RECORD_DATA_MAX. */
export function encodeRecord(record: LogRecord): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(RECORD_HEADER_BYTES + record.data.length);
  writeRecord(record, out, 0);
  return out;
}

/** Writes the bytes of one record into `out` at `at`; where they end. Throws RangeError where they do not fit. */
export function writeRecord({ kind, time, data }: LogRecord, out: Uint8Array, at: number): number {
  if (data.length > RECORD_DATA_MAX) throw new RangeError(`a record holds at most ${RECORD_DATA_MAX} bytes`);
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  view.setUint8(at, kind);
  view.setBigUint64(at + 1, time);
  view.setUint32(at + 9, data.length);
  out.set(data, at + RECORD_HEADER_BYTES);
  return at + RECORD_HEADER_BYTES + data.length;
}

export class CorruptLogError extends Error {
  override name = 'CorruptLogError';
  /** Bytes from the start of the buffer at which the log stops making sense. */
  readonly at: number;
  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/**
 * The whole records at the start of `bytes`, and how many bytes they took; a record cut off at the end is left for
 * the next call. `data` are views, not copies. Throws CorruptLogError where a header cannot be one.
 */
export function decodeRecords(bytes: Uint8Array): { records: LogRecord[]; consumed: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: LogRecord[] = [];
  let at = 0;
  while (bytes.length - at >= RECORD_HEADER_BYTES) {
    const kind = view.getUint8(at);
    const length = view.getUint32(at + 9);
    if (kind < RecordKind.output || kind > RecordKind.error)
      throw new CorruptLogError(at, `no record kind ${kind} exists`);
    if (length > RECORD_DATA_MAX) throw new CorruptLogError(at, `a record of ${length} bytes is longer than allowed`);
    const end = at + RECORD_HEADER_BYTES + length;
    if (end > bytes.length) break;
    records.push({
      kind: kind as RecordKind,
      time: view.getBigUint64(at + 1),
      data: bytes.subarray(at + RECORD_HEADER_BYTES, end),
    });
    at = end;
  }
  return { records, consumed: at };
}

export function encodeResize(cols: number, rows: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(4);
  const view = new DataView(data.buffer);
  view.setUint16(0, cols);
  view.setUint16(2, rows);
  return data;
}

/** Throws CorruptLogError where the data is not four bytes. */
export function decodeResize(data: Uint8Array): { cols: number; rows: number } {
  if (data.length !== 4) throw new CorruptLogError(0, 'a resize record holds four bytes');
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return { cols: view.getUint16(0), rows: view.getUint16(2) };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeMark(mark: Mark): Uint8Array {
  return encoder.encode(JSON.stringify(mark));
}

/** Throws CorruptLogError where the data is not a mark. */
export function decodeMark(data: Uint8Array): Mark {
  try {
    const value = JSON.parse(decoder.decode(data)) as unknown;
    if (typeof value === 'object' && value !== null && 'mark' in value) return value as Mark;
  } catch {
    // falls through to the one error below
  }
  throw new CorruptLogError(0, 'a mark record holds a JSON object with a "mark"');
}

/** Lines as a screen needs them: of what a program wrote to no terminal each line's end brings the cursor back, too. */
export function withReturns(bytes: Uint8Array): Uint8Array {
  let lines = 0;
  for (const byte of bytes) if (byte === 10) lines++;
  if (lines === 0) return bytes;
  const out = new Uint8Array(bytes.length + lines);
  let at = 0;
  for (const byte of bytes) {
    if (byte === 10) out[at++] = 13;
    out[at++] = byte;
  }
  return out;
}
