/**
 * The audit log's local journal: lines of JSON in numbered segments, appended by write(2), read back in order. Lines of
 * one turn of the loop go out together: at once, which takes the kernel some microseconds, where the disk is one that
 * answers; else beside us, and what arrives meanwhile goes out with the next ones.
 */
import fs from 'node:fs';
import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { DiskPace } from '../disk-pace.ts';
import { liesInOwnFileSystem } from '../file-system.ts';
import { syncFolder } from '../folder-sync.ts';
import { type JournalPosition, RecentLines } from './recent-lines.ts';

/** The journal holds as much as it may: nothing more is taken until the database answers again. */
export class JournalFull extends Error {
  override name = 'JournalFull';
}

/** Lines with usual bodies; the way to another thread and back costs as much as writing several of these. */
const AT_ONCE_BYTES = 64 * 1024;

export type JournalOptions = {
  /** Bytes at which a segment ends: small ones keep a replay after a crash short. */
  segmentBytes: number;
  fsync?: boolean;
  /** Of the disk that it is on. */
  pace?: DiskPace;
  /** Whether lines may be written at once; default: what the folder's file system says. */
  own?: boolean;
  recent?: RecentLines;
};

type Waiting = { line: string; resolve: (segment: number) => void; reject: (error: unknown) => void };

export class Journal implements AsyncDisposable {
  readonly #dir: string;
  readonly #segmentBytes: number;
  readonly #fsync: boolean;
  /** A write at once is out of the question where it could hang with somebody else, and all of the portal with it. */
  readonly #atOnce: boolean;
  readonly #pace: DiskPace;
  readonly #recent: RecentLines;
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
    file: FileHandle,
    how: Required<Omit<JournalOptions, 'own'>> & { segments: Map<number, number>; atOnce: boolean },
  ) {
    this.#dir = dir;
    this.#file = file;
    this.#segments = how.segments;
    this.#current = Math.max(...how.segments.keys());
    this.#segmentBytes = how.segmentBytes;
    this.#fsync = how.fsync;
    this.#atOnce = how.atOnce;
    this.#pace = how.pace;
    this.#recent = how.recent;
  }

  /**
   * Always begins a new segment; older ones are what an earlier process left. A segment is removed as a whole once all
   * of it is in the database.
   */
  static async open(dir: string, options: JournalOptions): Promise<Journal> {
    const { segmentBytes, fsync = false, pace = new DiskPace(), recent = new RecentLines() } = options;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const segments = new Map<number, number>();
    for (const number of await segmentsIn(dir)) segments.set(number, (await stat(join(dir, nameOf(number)))).size);
    const current = Math.max(0, ...segments.keys()) + 1;
    segments.set(current, 0);
    const file = await open(join(dir, nameOf(current)), 'a', 0o600);
    if (fsync) await syncFolder(dir);
    const atOnce = !fsync && (options.own ?? (await liesInOwnFileSystem(dir)));
    return new Journal(dir, file, { segments, segmentBytes, fsync, atOnce, pace, recent });
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
    const line = JSON.stringify(entry);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  /** Whole lines from a position on, about `size` bytes of them; the position after them. Empty at the end. */
  async read(from: JournalPosition, size: number): Promise<{ lines: string[]; next: JournalPosition }> {
    const limit = this.#segments.get(from.segment) ?? 0;
    const following = this.segments.find((number) => number > from.segment);
    if (from.offset >= limit)
      return {
        lines: [],
        next: following === undefined || from.segment === this.#current ? from : { segment: following, offset: 0 },
      };
    const recent = this.#recent.read(from, size);
    if (recent) return recent;
    const { text, next } = await this.#readFile(from, size, limit);
    return { lines: text.split('\n').filter((line) => isWhole(line)), next };
  }

  async #readFile(
    from: JournalPosition,
    size: number,
    limit: number,
  ): Promise<{ text: string; next: JournalPosition }> {
    await using file = await open(join(this.#dir, nameOf(from.segment)), 'r');
    const buffer = Buffer.alloc(Math.min(size, limit - from.offset));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from.offset);
    const whole = buffer.subarray(0, bytesRead).lastIndexOf(10) + 1;
    // One line longer than what was asked for: ask for more. A torn last line of a crash is passed over.
    if (whole === 0 && from.offset + bytesRead < limit) return this.#readFile(from, size * 2, limit);
    const used = whole === 0 ? bytesRead : whole;
    return {
      text: buffer.toString('utf8', 0, whole),
      next: { segment: from.segment, offset: from.offset + used },
    };
  }

  /** Removing the segment that is being written is refused silently: it is not finished. */
  async remove(segment: number): Promise<void> {
    if (segment === this.#current) return;
    this.#segments.delete(segment);
    await rm(join(this.#dir, nameOf(segment)), { force: true });
  }

  async #write(): Promise<void> {
    await turn();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        if (this.end.offset >= this.#segmentBytes) await this.#rotate();
        const at = this.end;
        const lines = batch.map(({ line }) => line);
        const bytes = Buffer.from(`${this.#torn ? '\n' : ''}${lines.join('\n')}\n`);
        this.#torn = true;
        if (this.#mayWriteAtOnce(bytes)) this.#writeAtOnce(bytes);
        else await this.#writeBeside(bytes);
        this.#torn = false;
        if (this.#fsync) await this.#file.datasync();
        this.#recent.add(at, this.end, lines);
        for (const { resolve } of batch) resolve(this.#current);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#writing = null;
  }

  #mayWriteAtOnce(bytes: Buffer): boolean {
    return this.#atOnce && bytes.length <= AT_ONCE_BYTES && this.#pace.quick;
  }

  #writeAtOnce(bytes: Buffer): void {
    const begun = performance.now();
    for (let written = 0; written < bytes.length;) {
      const count = fs.writeSync(this.#file.fd, bytes, written);
      this.#grow(count);
      written += count;
    }
    this.#pace.took(performance.now() - begun);
  }

  async #writeBeside(bytes: Buffer): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, written);
      this.#grow(bytesWritten);
      written += bytesWritten;
    }
  }

  #grow(bytes: number): void {
    this.#segments.set(this.#current, this.end.offset + bytes);
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
function isWhole(line: string): boolean {
  if (line === '') return false;
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
