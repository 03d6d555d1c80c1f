/** Recordings on the disk: `<dataDir>/recordings/<yyyy>/<mm>/<session>/` with `meta.json`, `log` and screens. */
import { createReadStream } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { Problem } from '../domain/problem.ts';
import { syncFolder } from '../folder-sync.ts';
import { recordingFolder, type RecordingFacts, type RecordingKey, type Screen } from '../domain/recording.ts';
import { checkpointOffsets } from './checkpoints.ts';
import { DiskPace } from '../disk-pace.ts';
import { asciicast } from './export.ts';
import { readLog } from './reader.ts';
import { Recorder } from './recorder.ts';
import { Screens } from './screens.ts';
import { searchRecording, type Hit } from './search.ts';

export type RecordingsDeps = {
  dataDir: string;
  /** Waits for the disk at each write: survives power loss, costs milliseconds per key on a slow one. */
  fsync?: boolean;
  log: { warn(fields: object, message: string): void };
};

export class Recordings implements AsyncDisposable {
  readonly #deps: RecordingsDeps;
  readonly #screens = new Screens();
  readonly #pace = new DiskPace();

  constructor(deps: RecordingsDeps) {
    this.#deps = deps;
    this.#screens.warm();
  }

  /** Creates the recording, or continues it at its last whole record. Throws Problem `recording-failed`. */
  async record(facts: RecordingFacts): Promise<Recorder> {
    const folder = this.#folder(facts);
    const fsync = this.#deps.fsync ?? false;
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const header = `${JSON.stringify({ version: 1, ...facts }, null, 2)}\n`;
      await writeFile(join(folder, 'meta.json'), header, { mode: 0o600, flag: 'wx', flush: fsync }).catch(
        ignoreExisting,
      );
      const [boundary = 0] = await checkpointOffsets(folder);
      const recorder = await Recorder.open(join(folder, 'log'), { pace: this.#pace, fsync, boundary });
      // Folders of the year, the month and the session may all be new.
      if (fsync) for (let at = folder; at !== dirname(this.#deps.dataDir); at = dirname(at)) await syncFolder(at);
      return recorder;
    } catch (cause) {
      throw new Problem('recording-failed', 503, `The recording cannot be written: ${messageOf(cause)}.`, {
        next: 'Ask an administrator to look at the data directory’s disk.',
        cause,
      });
    }
  }

  /** Where the log lies. */
  path(key: RecordingKey): string {
    return join(this.#folder(key), 'log');
  }

  /** The header. Throws Problem `recording-missing`. */
  async facts(key: RecordingKey): Promise<RecordingFacts> {
    try {
      const parsed = JSON.parse(await readFile(join(this.#folder(key), 'meta.json'), 'utf8')) as RecordingFacts;
      return { ...parsed, openedAt: new Date(parsed.openedAt) };
    } catch (cause) {
      throw missing(cause);
    }
  }

  /** Bytes of log, now. Throws Problem `recording-missing`. */
  async size(key: RecordingKey): Promise<number> {
    try {
      return (await stat(this.path(key))).size;
    } catch (cause) {
      throw missing(cause);
    }
  }

  /** At most `length` bytes of the log from `offset`; fewer at its end. */
  read(key: RecordingKey, offset: number, length: number): Promise<Uint8Array> {
    return readLog(this.path(key), offset, length);
  }

  /** The screen once the log up to `upTo` (a record's boundary) has been shown. */
  async screenAt(key: RecordingKey, upTo: number): Promise<Screen> {
    const { cols, rows } = await this.facts(key);
    return this.#screens.rebuild({ folder: this.#folder(key), cols, rows, upTo });
  }

  /** Keeps the screen at this offset, in the background. */
  checkpoint(key: RecordingKey, offset: number): void {
    this.screenAt(key, offset).catch((error: unknown) => {
      this.#deps.log.warn({ session: key.session, error: messageOf(error) }, 'no checkpoint of the screen was made');
    });
  }

  /** asciicast v3, as far as the recording goes now. Throws Problem `recording-missing`. */
  async cast(key: RecordingKey): Promise<AsyncIterable<string>> {
    const [facts, size] = await Promise.all([this.facts(key), this.size(key)]);
    return asciicast(this.path(key), facts, size);
  }

  /** The log's bytes in [start, end). */
  bytes(key: RecordingKey, start: number, end: number): Readable {
    if (start >= end) return Readable.from([]);
    return createReadStream(this.path(key), { start, end: end - 1, highWaterMark: 128 * 1024 });
  }

  /** The first lines on the screen that hold the text. Throws Problem `recording-missing`. */
  async search(key: RecordingKey, text: string, signal?: AbortSignal): Promise<Hit[]> {
    await this.size(key);
    return searchRecording(this.path(key), text, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#screens[Symbol.asyncDispose]();
  }

  #folder(key: RecordingKey): string {
    return join(this.#deps.dataDir, 'recordings', recordingFolder(key));
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

function missing(cause: unknown): Problem {
  return new Problem('recording-missing', 404, 'This session has no recording.', {
    next: 'One that ended before its shell started has none; else look at the data directory’s disk.',
    cause,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
