/** File transfers: each on a connection of its own, so that a keystroke never waits behind one. */
import { FromHost, json, ToHost } from '../../protocol/frames.ts';
import type { FileRequest, Frame, HostFileResult } from '../../protocol/frames.ts';
import { FILE_TRANSFER_MAX } from '../../protocol/sandbox.ts';
import { Confinement, TransferError } from './confine.ts';
import type { Framed } from './framed.ts';
import { greet } from './greet.ts';
import type { HostSession } from './session.ts';
import { unpack } from './tar-in.ts';
import { packed } from './tar-out.ts';
import type { Way } from './way.ts';

/** Each takes a connection and some buffers. */
const TRANSFERS_MAX = 4;
const SEND_AHEAD = 256 * 1024;
const TOO_LARGE = 'A transfer moves at most 256 MiB.';

export type TransferDeps = {
  way: Way;
  secret: Buffer;
  session: HostSession;
  /** Files move inside these only; the first is what relative paths start from. */
  folders: string[];
};

let running = 0;

/** Dials a connection for the transfer and carries it out; what goes wrong is said on that connection. */
export async function transfer(request: FileRequest, { way, secret, session, folders }: TransferDeps): Promise<void> {
  const { state, log } = session;
  const hello = { purpose: 'file', file: request.id, state, generation: 0, start: log.start, end: log.end } as const;
  const connection = await way
    .dial('terminal')
    .then((stream) => greet(stream, secret, hello))
    .catch(() => null);
  if (!connection) return;
  running += 1;
  const result = await carry(connection, request, new Confinement(folders));
  running -= 1;
  if (result.ok) session.mark({ mark: 'file', direction: request.direction, path: request.path, bytes: result.bytes });
  connection.send(FromHost.fileResult, json(result));
  connection.end();
}

async function carry(connection: Framed, request: FileRequest, inside: Confinement): Promise<HostFileResult> {
  const cancelled = new AbortController();
  connection.onClose = () => cancelled.abort();
  try {
    if (running > TRANSFERS_MAX)
      throw new TransferError(`${TRANSFERS_MAX} transfers are running; try again when one is done.`);
    const carryOne = request.direction === 'upload' ? upload : download;
    return { ok: true, bytes: await carryOne(connection, request.path, inside, cancelled.signal) };
  } catch (error) {
    if (error instanceof TransferError) return { ok: false, message: error.message };
    return { ok: false, message: `The transfer failed: ${(error as Error).message}` };
  }
}

async function upload(connection: Framed, path: string, inside: Confinement, signal: AbortSignal): Promise<number> {
  const incoming = new Incoming(connection, signal);
  await unpack(incoming.chunks(), path, inside);
  return incoming.bytes;
}

async function download(connection: Framed, path: string, inside: Confinement, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  for await (const chunk of packed(path, inside)) {
    bytes += chunk.length;
    if (bytes > FILE_TRANSFER_MAX) throw new TransferError(TOO_LARGE);
    connection.send(FromHost.fileData, chunk);
    if (connection.waiting > SEND_AHEAD) await drained(connection, signal);
    if (signal.aborted) throw new TransferError('The transfer was cancelled.');
  }
  return bytes;
}

function drained(connection: Framed, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    connection.onDrain = resolve;
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** The tar stream that the portal sends, read as fast as it is unpacked. */
class Incoming {
  bytes = 0;
  #connection: Framed;
  #signal: AbortSignal;
  #chunks: Uint8Array[] = [];
  #waiting = 0;
  #ended = false;
  #wake: () => void = () => {};

  constructor(connection: Framed, signal: AbortSignal) {
    this.#connection = connection;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    connection.onFrame = (frame) => this.#frame(frame);
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        this.#waiting -= chunk.length;
        if (this.#waiting === 0) this.#connection.resume();
        yield chunk;
      } else if (this.#ended) return;
      else if (this.#signal.aborted) throw new TransferError('The transfer was cancelled.');
      else if (this.bytes > FILE_TRANSFER_MAX) throw new TransferError(TOO_LARGE);
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #frame({ type, payload }: Frame): void {
    if (type !== ToHost.fileData) return this.#connection.refuse('protocol', 'only file data is sent here');
    this.bytes += payload.length;
    if (payload.length === 0) this.#ended = true;
    else if (this.bytes <= FILE_TRANSFER_MAX) {
      this.#chunks.push(payload);
      this.#waiting += payload.length;
      if (this.#waiting > SEND_AHEAD) this.#connection.pause();
    }
    this.#wake();
  }
}
