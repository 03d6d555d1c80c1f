/** A recording as the replay needs it: records with their times, what to mark on the timeline, how busy it was. Pure. */
import {
  decodeMark,
  decodeRecords,
  decodeResize,
  RECORD_HEADER_BYTES,
  RecordKind,
  type LogRecord,
  type Mark,
  withReturns,
} from '../../protocol/log.ts';

export type ReplayRecord =
  | { kind: 'output'; atMs: number; bytes: Uint8Array }
  | { kind: 'resize'; atMs: number; cols: number; rows: number };

export type ReplayMark = { atMs: number; mark: Mark };
export type ReplayInput = { atMs: number; bytes: Uint8Array };

/** Grows as the bytes come in, at any cut. */
export class SessionLog {
  /** What changes the screen, in order. */
  readonly records: ReplayRecord[] = [];
  readonly marks: ReplayMark[] = [];
  readonly inputs: ReplayInput[] = [];
  /** µs since the epoch of the first record; null while there is none. */
  #start: bigint | null = null;
  #rest: Uint8Array = new Uint8Array();
  #durationMs = 0;
  #bytes = 0;
  /** What is recorded wrote to a terminal. */
  #tty = true;

  /** ms since the epoch at which the recording's clock is 0. */
  get startMs(): number | null {
    return this.#start === null ? null : Number(this.#start) / 1000;
  }

  get durationMs(): number {
    return this.#durationMs;
  }

  /** Bytes taken in: where a later fetch continues. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Throws CorruptLogError where the bytes are no log; what came before stays. */
  push(chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + chunk.length);
      bytes.set(this.#rest);
      bytes.set(chunk, this.#rest.length);
    }
    const { records, consumed } = decodeRecords(bytes);
    this.#rest = bytes.slice(consumed);
    this.#bytes += chunk.length;
    for (const record of records) this.#take(record);
  }

  #take(record: LogRecord): void {
    this.#start ??= record.time;
    // A clock set back while recording must not send the replay back in time.
    const atMs = Math.max(this.#durationMs, Number(record.time - this.#start) / 1000);
    this.#durationMs = atMs;
    switch (record.kind) {
      case RecordKind.output:
      case RecordKind.error:
        this.records.push({ kind: 'output', atMs, bytes: this.#tty ? record.data : withReturns(record.data) });
        break;
      case RecordKind.resize:
        this.records.push({ kind: 'resize', atMs, ...decodeResize(record.data) });
        break;
      case RecordKind.input:
        this.inputs.push({ atMs, bytes: record.data });
        break;
      case RecordKind.mark:
        this.#mark(atMs, decodeMark(record.data));
    }
  }

  #mark(atMs: number, mark: Mark): void {
    if (mark.mark === 'stream') this.#tty = mark.tty;
    this.marks.push({ atMs, mark });
  }
}

/** Index of the first record later than the moment. */
export function firstAfter(records: { atMs: number }[], atMs: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (records[middle]!.atMs <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How busy each of `count` equal stretches was, 0 to 1, by a scale in which a lone prompt can still be seen. */
export function activity(log: Pick<SessionLog, 'records' | 'durationMs'>, count: number): number[] {
  const sums = Array.from({ length: count }, () => 0);
  const span = Math.max(1, log.durationMs);
  for (const record of log.records) {
    if (record.kind !== 'output') continue;
    const at = Math.min(count - 1, Math.floor((record.atMs / span) * count));
    sums[at] = (sums[at] ?? 0) + RECORD_HEADER_BYTES + record.bytes.length;
  }
  const most = Math.log1p(Math.max(1, ...sums));
  return sums.map((sum) => Math.log1p(sum) / most);
}

/** Marks as buttons on a line of `widthPx`: those closer than `leastPx` share one, so that each can be hit. */
export function groupMarks(marks: ReplayMark[], spanMs: number, widthPx: number, leastPx: number): ReplayMark[][] {
  const groups: ReplayMark[][] = [];
  for (const mark of marks) {
    const group = groups.at(-1);
    if (group && ((mark.atMs - group[0]!.atMs) / spanMs) * widthPx < leastPx) group.push(mark);
    else groups.push([mark]);
  }
  return groups;
}

/** What a mark means, in a few words. */
export function markWords(mark: Mark): string {
  switch (mark.mark) {
    case 'secret':
      return 'Typed at a prompt without echo: not recorded';
    case 'hidden-shell':
      return `The shell read without echo${mark.detail ? `: ${mark.detail}` : ''}`;
    case 'file':
      return `${mark.direction === 'upload' ? 'Uploaded' : 'Downloaded'} ${mark.path}`;
    case 'stream':
      return mark.what;
    case 'cut':
      return `Not recorded from here on: ${mark.why}`;
    case 'exit':
      return mark.signal === null
        ? `The shell exited with code ${mark.code ?? 0}`
        : `The shell ended by signal ${mark.signal}`;
  }
}
