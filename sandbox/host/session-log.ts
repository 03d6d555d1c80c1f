/**
 * The session's log as the host keeps it: every record since the last one that is recorded, in the order in which it
 * happened. Small records share a slab, so that a megabyte of single keystrokes is a megabyte.
 */
import { RECORD_DATA_MAX, RECORD_HEADER_BYTES, RecordKind } from '../../protocol/log.ts';

/** Holds some hundred echoed keystrokes; an idle host keeps one. */
const SLAB_BYTES = 16 * 1024;

type Slab = { offset: number; bytes: Uint8Array; used: number };

export class SessionLog {
  /** Runs after each append. */
  onAppend: (kind: RecordKind) => void = () => {};
  #slabs: Slab[] = [];
  #start = 0;
  #end = 0;
  #clock: () => number;

  /** `clock`: milliseconds since the Unix epoch, with its fractions. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** The oldest offset that can be read. */
  get start(): number {
    return this.#start;
  }

  /** The offset after the newest record. */
  get end(): number {
    return this.#end;
  }

  /** Data past RECORD_DATA_MAX becomes several records. */
  append(kind: RecordKind, data: Uint8Array): void {
    let at = 0;
    do {
      this.#appendOne(kind, data.subarray(at, at + RECORD_DATA_MAX));
      at += RECORD_DATA_MAX;
    } while (at < data.length);
    this.onAppend(kind);
  }

  /** As append of output, without a copy: the caller has left RECORD_HEADER_BYTES free before the data. */
  appendOutputInPlace(record: Uint8Array): void {
    this.#writeHeader(record, RecordKind.output, record.length - RECORD_HEADER_BYTES);
    this.#slabs.push({ offset: this.#end, bytes: record, used: record.length });
    this.#end += record.length;
    this.onAppend(RecordKind.output);
  }

  /** Forgets what is before the offset, which the portal has recorded. Offsets outside the log are ignored. */
  trim(offset: number): void {
    if (offset <= this.#start || offset > this.#end) return;
    this.#start = offset;
    let gone = 0;
    while (gone < this.#slabs.length && endOf(this.#slabs[gone]!) <= offset) gone += 1;
    if (gone > 0) this.#slabs.splice(0, gone);
  }

  /** Whether the log can be read from the offset: it is held, and a record starts or the log ends there. */
  canReadFrom(offset: number): boolean {
    if (offset === this.#end) return true;
    if (offset < this.#start || offset > this.#end) return false;
    const slab = this.#slabs[this.#find(offset)]!;
    let at = slab.offset;
    while (at < offset) at += recordBytes(slab.bytes, at - slab.offset);
    return at === offset;
  }

  /** Whole records from the offset, as views: about `most` bytes, and at least one record; none at the end. */
  read(offset: number, most: number): { parts: Uint8Array[]; end: number } {
    const parts: Uint8Array[] = [];
    let at = offset;
    for (let index = this.#find(offset); index < this.#slabs.length && at - offset < most; index += 1) {
      const slab = this.#slabs[index]!;
      if (at > offset && endOf(slab) - offset > most) break;
      parts.push(slab.bytes.subarray(at - slab.offset, slab.used));
      at = endOf(slab);
    }
    return { parts, end: at };
  }

  #appendOne(kind: RecordKind, data: Uint8Array): void {
    const size = RECORD_HEADER_BYTES + data.length;
    let slab = this.#slabs.at(-1);
    if (!slab || slab.bytes.length - slab.used < size) {
      slab = { offset: this.#end, bytes: new Uint8Array(Math.max(SLAB_BYTES, size)), used: 0 };
      this.#slabs.push(slab);
    }
    const record = slab.bytes.subarray(slab.used, slab.used + size);
    this.#writeHeader(record, kind, data.length);
    record.set(data, RECORD_HEADER_BYTES);
    slab.used += size;
    this.#end += size;
  }

  #writeHeader(record: Uint8Array, kind: RecordKind, length: number): void {
    const micros = Math.floor(this.#clock() * 1000);
    const view = new DataView(record.buffer, record.byteOffset, RECORD_HEADER_BYTES);
    view.setUint8(0, kind);
    view.setUint32(1, Math.floor(micros / 2 ** 32));
    view.setUint32(5, micros >>> 0);
    view.setUint32(9, length);
  }

  /** The index of the slab that holds the offset, or the number of slabs at the log's end. */
  #find(offset: number): number {
    let low = 0;
    let high = this.#slabs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (endOf(this.#slabs[middle]!) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function endOf(slab: Slab): number {
  return slab.offset + slab.used;
}

function recordBytes(bytes: Uint8Array, at: number): number {
  return RECORD_HEADER_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 9);
}
