/**
 * Writes one session's log: appended as it comes, never rewritten. A little is written at once, which takes the kernel
 * some microseconds; much is written beside us, and what arrives meanwhile goes into the next write (group commit).
 *
 * *Written* means that write(2) returned: it survives kill -9. Power loss is the operator's setting (SALLYPORT_FSYNC).
 */
import fs from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { decodeRecords } from '../../protocol/log.ts';
import { DiskPace } from '../disk-pace.ts';
import { liesInOwnFileSystem } from '../file-system.ts';

/** What somebody types, and its echo: below this a write at once is cheaper than the way to another thread and back. */
const AT_ONCE_BYTES = 4 * 1024;
/** Of the search for the last whole record. */
const SCAN_BYTES = 256 * 1024;

type RecorderOptions = {
  /** Of the disk that the log is on; one for all who write there. */
  pace?: DiskPace;
  fsync?: boolean;
  boundary?: number;
  /** Whether a little may be written at once; default: what the log's file system says. */
  own?: boolean;
};

export class Recorder {
  /** Called once, where writing failed; nothing is written any more. */
  onError: ((error: Error) => void) | undefined;
  readonly #file: FileHandle;
  readonly #fsync: boolean;
  /** A write at once is out of the question where it could hang with somebody else, and all of the portal with it. */
  readonly #atOnce: boolean;
  readonly #pace: DiskPace;
  #size: number;
  #pending = 0;
  #queue: { bytes: Uint8Array; written: () => void }[] = [];
  #writing = false;
  #failed = false;
  #idle: (() => void)[] = [];

  private constructor(file: FileHandle, size: number, how: { fsync: boolean; atOnce: boolean; pace: DiskPace }) {
    this.#file = file;
    this.#size = size;
    this.#fsync = how.fsync;
    this.#atOnce = how.atOnce;
    this.#pace = how.pace;
  }

  /**
   * Opens the log, making it where it is missing, and cuts off a record that a crash left half written. `boundary`
   * is an offset known to be a record's start, which saves reading what lies before it.
   */
  static async open(path: string, options: RecorderOptions = {}): Promise<Recorder> {
    const file = await open(path, 'a+', 0o600);
    try {
      const { size } = await file.stat();
      const whole = size === 0 ? 0 : await lastBoundary(file, size, options.boundary ?? 0);
      if (whole < size) await file.truncate(whole);
      const fsync = options.fsync ?? false;
      const atOnce = !fsync && (options.own ?? (await liesInOwnFileSystem(path)));
      return new Recorder(file, whole, { fsync, atOnce, pace: options.pace ?? new DiskPace() });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes written. */
  get size(): number {
    return this.#size;
  }

  /** Bytes handed over and not written yet. */
  get pending(): number {
    return this.#pending;
  }

  /** `written` runs, in order, once all of `bytes` is written, maybe before this returns; never after an error. */
  append(bytes: Uint8Array, written: () => void): void {
    if (this.#failed) return;
    if (!this.#writing && bytes.length <= AT_ONCE_BYTES && this.#atOnce && this.#pace.quick) {
      this.#writeAtOnce(bytes, written);
      return;
    }
    this.#queue.push({ bytes, written });
    this.#pending += bytes.length;
    if (this.#writing) return;
    this.#writing = true;
    // What is handed over in one go is one write, its first part too.
    queueMicrotask(() => this.#write());
  }

  /** Waits for what was handed over, then closes. */
  async close(): Promise<void> {
    if (this.#writing) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.#file.close();
  }

  #writeAtOnce(bytes: Uint8Array, written: () => void): void {
    const begun = performance.now();
    try {
      for (let at = 0; at < bytes.length;) at += fs.writeSync(this.#file.fd, bytes, at);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    this.#pace.took(performance.now() - begun);
    this.#size += bytes.length;
    written();
  }

  #write(): void {
    const batch = this.#queue;
    this.#queue = [];
    const done = (error: Error | null) => this.#written(batch, error);
    writeAll(
      this.#file.fd,
      batch.map((entry) => entry.bytes),
      (error) => {
        if (error || !this.#fsync) done(error);
        else fs.fdatasync(this.#file.fd, done);
      },
    );
  }

  #written(batch: { bytes: Uint8Array; written: () => void }[], error: Error | null): void {
    if (error) return this.#fail(error);
    for (const { bytes, written } of batch) {
      this.#size += bytes.length;
      this.#pending -= bytes.length;
      written();
    }
    if (this.#queue.length > 0) this.#write();
    else this.#rest();
  }

  #fail(error: Error): void {
    this.#failed = true;
    try {
      // What was written of the failed part was shown to nobody: the log ends with its last whole record.
      fs.ftruncateSync(this.#file.fd, this.#size);
    } catch {
      // Who reads it stops there all the same, and who continues it cuts it off.
    }
    this.#queue = [];
    this.#pending = 0;
    this.#rest();
    this.onError?.(error);
  }

  #rest(): void {
    this.#writing = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** writev until nothing is left: a short write is no error (a disk that fills up says so at the next one). */
function writeAll(fd: number, buffers: Uint8Array[], done: (error: Error | null) => void): void {
  fs.writev(fd, buffers, (error, count) => {
    if (error) return done(error);
    let left = count;
    const rest: Uint8Array[] = [];
    for (const buffer of buffers) {
      if (left < buffer.length) rest.push(buffer.subarray(left));
      left = Math.max(0, left - buffer.length);
    }
    if (rest.length === 0) done(null);
    else writeAll(fd, rest, done);
  });
}

/** Where the last whole record ends. Throws CorruptLogError where the log makes no sense. */
async function lastBoundary(file: FileHandle, size: number, from: number): Promise<number> {
  const buffer = Buffer.allocUnsafe(SCAN_BYTES);
  let at = from <= size ? from : 0;
  while (at < size) {
    const { bytesRead } = await file.read(buffer, 0, SCAN_BYTES, at);
    const { consumed } = decodeRecords(buffer.subarray(0, bytesRead));
    // a record is shorter than the buffer, so none fits only at the torn end
    if (consumed === 0) break;
    at += consumed;
  }
  return at;
}
