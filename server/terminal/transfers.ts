/** Files in and out of a sandbox, as tar streams on connections that the host dials for the purpose. */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  FrameError,
  FromHost,
  parseJson,
  ToHost,
  type FileRequest,
  type Frame,
  type HostFileResult,
} from '../../protocol/frames.ts';
import { FILE_TRANSFER_MAX } from '../../protocol/sandbox.ts';
import { Problem } from '../domain/problem.ts';
import { fileTooLarge } from '../domain/shared-problems.ts';
import type { FrameChannel } from './frame-channel.ts';

/** One frame of an upload; the host's reader stays small. */
const CHUNK_BYTES = 64 * 1024;
const DIAL_MS = 10_000;
/** At the same time, of one session. */
const MOST = 4;

type Waiting = { take(channel: FrameChannel): void; fail(problem: Problem): void };

export class Transfers {
  readonly #request: (request: FileRequest) => void;
  readonly #available: () => boolean;
  readonly #moved: () => void;
  readonly #waiting = new Map<string, Waiting>();
  #running = 0;

  /** `request` asks the host to dial; `moved` is told whenever bytes of a file went either way. */
  constructor(request: (request: FileRequest) => void, available: () => boolean, moved: () => void) {
    this.#request = request;
    this.#available = available;
    this.#moved = moved;
  }

  /** Bytes of tar that arrived. Throws Problem `file-too-large`, `file-refused`, `file-interrupted`, `terminal-away`. */
  async upload(path: string, body: AsyncIterable<Uint8Array>): Promise<number> {
    using _slot = this.#slot();
    const channel = await this.#dial('upload', path);
    const result = resultOf(channel);
    try {
      const early = result.promise.then(
        () => true,
        () => true,
      );
      let bytes = 0;
      for await (const chunk of body) {
        bytes += chunk.length;
        if (bytes > FILE_TRANSFER_MAX) throw fileTooLarge(FILE_TRANSFER_MAX);
        if ((await sendAll(channel, chunk, early)) === 'ended') break;
        this.#moved();
      }
      channel.send(ToHost.fileData);
      const outcome = await result.promise;
      if (!outcome.ok) throw refused(outcome.message);
      return outcome.bytes;
    } finally {
      channel.destroy();
    }
  }

  /** A tar stream; resolves once the host has found the path. Throws as {@link upload}. */
  async download(path: string): Promise<Readable> {
    const slot = this.#slot();
    try {
      const channel = await this.#dial('download', path);
      return await downloadOf(channel, this.#moved, () => slot[Symbol.dispose]());
    } catch (error) {
      slot[Symbol.dispose]();
      throw error;
    }
  }

  /** The host dialled for the request of that id. */
  connected(id: string, channel: FrameChannel): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting) waiting.take(channel);
    else channel.destroy();
  }

  /** The host went away: what it has not dialled for yet it will not. */
  lost(): void {
    for (const { fail } of this.#waiting.values()) fail(away());
    this.#waiting.clear();
  }

  #slot(): Disposable {
    if (this.#running >= MOST)
      throw new Problem('file-busy', 429, `This session has ${MOST} file transfers under way.`, {
        next: 'Wait for one to end.',
      });
    this.#running++;
    let open = true;
    return {
      [Symbol.dispose]: () => {
        if (open) this.#running--;
        open = false;
      },
    };
  }

  #dial(direction: FileRequest['direction'], path: string): Promise<FrameChannel> {
    if (!this.#available()) throw away();
    const id = randomUUID();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(away());
      }, DIAL_MS);
      this.#waiting.set(id, {
        take: (channel) => {
          clearTimeout(timer);
          // what the host says at once waits until the taker has its handlers on
          channel.pause();
          resolve(channel);
        },
        fail: (problem) => {
          clearTimeout(timer);
          reject(problem);
        },
      });
      this.#request({ id, direction, path });
    });
  }
}

function resultOf(channel: FrameChannel): PromiseWithResolvers<HostFileResult> {
  const result = Promise.withResolvers<HostFileResult>();
  // awaited at the end of the upload, which may fail before
  result.promise.catch(() => {});
  channel.onFrame = ({ type, payload }) => {
    if (type !== FromHost.fileResult) throw new FrameError(`no frame of type ${type} is due`);
    result.resolve(parseJson(payload));
  };
  channel.onClose = (error) => result.reject(interrupted(error));
  channel.resume();
  return result;
}

/** Waits while the host does not keep up; `ended` where it gave its result before the end. */
async function sendAll(channel: FrameChannel, chunk: Uint8Array, early: Promise<boolean>): Promise<'sent' | 'ended'> {
  for (let at = 0; at < chunk.length; at += CHUNK_BYTES) {
    if (channel.closed) return 'ended';
    if (channel.send(ToHost.fileData, chunk.subarray(at, at + CHUNK_BYTES))) continue;
    const drained = new Promise<false>((resolve) => (channel.onDrain = () => resolve(false)));
    if (await Promise.race([drained, early])) return 'ended';
  }
  return 'sent';
}

function downloadOf(channel: FrameChannel, moved: () => void, done: () => void): Promise<Readable> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    let ended = false;
    const stream = new Readable({
      read: () => channel.resume(),
      destroy: (error, callback) => {
        channel.destroy();
        done();
        callback(error);
      },
    });
    const fail = (problem: Problem) => {
      ended = true;
      reject(problem);
      stream.on('error', () => {});
      stream.destroy(problem);
    };
    const frame = ({ type, payload }: Frame) => {
      if (type === FromHost.fileData) {
        bytes += payload.length;
        if (bytes > FILE_TRANSFER_MAX) return fail(fileTooLarge(FILE_TRANSFER_MAX));
        moved();
        resolve(stream);
        if (!stream.push(payload)) channel.pause();
        return;
      }
      if (type !== FromHost.fileResult) throw new FrameError(`no frame of type ${type} is due`);
      const result = parseJson<HostFileResult>(payload);
      if (!result.ok) return fail(refused(result.message));
      ended = true;
      resolve(stream);
      stream.push(null);
    };
    channel.onFrame = frame;
    channel.onClose = (error) => {
      if (!ended) fail(interrupted(error));
    };
    channel.resume();
  });
}

function away(): Problem {
  return new Problem('terminal-away', 503, 'The session’s sandbox does not answer at the moment.', {
    next: 'Try again in a few seconds.',
  });
}

function refused(message: string): Problem {
  return new Problem('file-refused', 422, message);
}

function interrupted(cause: unknown): Problem {
  return new Problem('file-interrupted', 502, 'The transfer broke off: the connection to the sandbox ended.', {
    next: 'Try again.',
    cause,
  });
}
