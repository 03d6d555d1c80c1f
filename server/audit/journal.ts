/**
 * The audit log's local journal: lines of JSON in numbered segments, appended by write(2), read back in order. Lines
 * that arrive while a write is under way go out together with the next one.
 */
import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../folder-sync.ts';

export type JournalPosition = { segment: number; offset: number };

/** The journal holds as much as it may: nothing more is taken until the database answers again. */
export class JournalFull extends Error {
  override name = 'JournalFull';
}

type Waiting = { line: string; resolve: (segment: number) => void; reject: (error: unknown) => void };

export class Journal implements AsyncDisposable {
  readonly #dir: string;
  readonly #segmentBytes: number;
  readonly #fsync: boolean;
  /** Bytes by segment, in order; the last one is being written. */
  readonly #segments: Map<number, number>;
  #file: FileHandle;
  #current: number;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;
  /** A write failed in mid-line: the next one starts a new line. */
  #torn = false;

  private constructor(
    dir: string,
    segmentBytes: number,
    fsync: boolean,
    segments: Map<number, number>,
    current: number,
    file: FileHandle,
  ) {
    this.#fsync = fsync;
    this.#dir = dir;
    this.#segmentBytes = segmentBytes;
    this.#segments = segments;
    this.#current = current;
    this.#file = file;
  }

  /**
   * Always begins a new segment; older ones are what an earlier process left. A segment is removed as a whole once all
   * of it is in the database, and ends at `segmentBytes`: small ones keep a replay after a crash short.
   */
  static async open(dir: string, segmentBytes: number, fsync = false): Promise<Journal> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const segments = new Map<number, number>();
    for (const number of await segmentsIn(dir)) segments.set(number, (await stat(join(dir, nameOf(number)))).size);
    const current = Math.max(0, ...segments.keys()) + 1;
    segments.set(current, 0);
    const file = await open(join(dir, nameOf(current)), 'a', 0o600);
    if (fsync) await syncFolder(dir);
    return new Journal(dir, segmentBytes, fsync, segments, current, file);
  }

  /** All bytes on disk. */
  get bytes(): number {
    let sum = 0;
    for (const size of this.#segments.values()) sum += size;
    return sum;
  }

  /** Where writing stands. */
  get end(): JournalPosition {
    return { segment: this.#current, offset: this.#segments.get(this.#current)! };
  }

  get segments(): number[] {
    return [...this.#segments.keys()];
  }

  /** Resolves with the line's segment when write(2), or with `fsync` fdatasync(2), has returned; throws JournalFull past `bound`, or the file system's error. */
  append(entry: unknown, bound: number): Promise<number> {
    if (this.bytes >= bound) return Promise.reject(new JournalFull(`the journal holds ${this.bytes} bytes`));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line: `${JSON.stringify(entry)}\n`, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  /** Whole lines from a position on, about `size` bytes of them; the position after them. Empty at the end. */
  async read(from: JournalPosition, size: number): Promise<{ lines: unknown[]; next: JournalPosition }> {
    const limit = this.#segments.get(from.segment) ?? 0;
    const following = this.segments.find((number) => number > from.segment);
    if (from.offset >= limit)
      return {
        lines: [],
        next: following === undefined || from.segment === this.#current ? from : { segment: following, offset: 0 },
      };
    await using file = await open(join(this.#dir, nameOf(from.segment)), 'r');
    const buffer = Buffer.alloc(Math.min(size, limit - from.offset));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from.offset);
    const whole = buffer.subarray(0, bytesRead).lastIndexOf(10) + 1;
    // One line longer than what was asked for: ask for more. A torn last line of a crash is passed over.
    if (whole === 0 && from.offset + bytesRead < limit) return this.read(from, size * 2);
    const used = whole === 0 ? bytesRead : whole;
    const lines = buffer
      .toString('utf8', 0, whole)
      .split('\n')
      .flatMap((line) => parseLine(line));
    return { lines, next: { segment: from.segment, offset: from.offset + used } };
  }

  /** Removing the segment that is being written is refused silently: it is not finished. */
  async remove(segment: number): Promise<void> {
    if (segment === this.#current) return;
    this.#segments.delete(segment);
    await rm(join(this.#dir, nameOf(segment)), { force: true });
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        if (this.#segments.get(this.#current)! >= this.#segmentBytes) await this.#rotate();
        const bytes = Buffer.from((this.#torn ? '\n' : '') + batch.map(({ line }) => line).join(''));
        this.#torn = true;
        let written = 0;
        while (written < bytes.length) {
          const result = await this.#file.write(bytes, written);
          written += result.bytesWritten;
          this.#segments.set(this.#current, this.#segments.get(this.#current)! + result.bytesWritten);
        }
        this.#torn = false;
        if (this.#fsync) await this.#file.datasync();
        for (const { resolve } of batch) resolve(this.#current);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#writing = null;
  }

  async #rotate(): Promise<void> {
    const next = this.#current + 1;
    const file = await open(join(this.#dir, nameOf(next)), 'a', 0o600);
    if (this.#fsync) await syncFolder(this.#dir);
    await this.#file.close();
    this.#file = file;
    this.#current = next;
    this.#segments.set(next, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }
}

function nameOf(segment: number): string {
  return `${String(segment).padStart(10, '0')}.jsonl`;
}

async function segmentsIn(dir: string): Promise<number[]> {
  return (await readdir(dir))
    .filter((name) => /^\d{10}\.jsonl$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .sort((a, b) => a - b);
}

/** Lines torn by a crash or a full disk hold nothing that anybody was told is kept. */
function parseLine(line: string): unknown[] {
  if (line === '') return [];
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}
