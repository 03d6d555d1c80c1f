/**
 * Passes an answer's body on, what comes in one turn of the loop in one piece: an API server sends a long list in
 * thousands, and each would be a chunk, a TLS record and a system call of its own, here and where it arrives.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SpareBuffers } from '../spare-buffers.ts';

/** What rests here goes on before it is more than this. */
const GATHERED_MOST = 64 * 1024;
/** One fills while another is written. */
const SPARE_MOST = 2;

/**
 * After `writeHead`. `seen` is told of each piece as it comes; a client that takes no more stops the answer. What came
 * before an answer broke is passed on before who listens for its `error` hears of it. Returns what says how many bytes
 * wait here.
 */
export function passBody(
  answer: IncomingMessage,
  response: ServerResponse,
  seen: (chunk: Buffer) => void,
): () => number {
  const gathered = new Gathered();
  let left = Number(answer.headers['content-length']);
  // A watch of something that does not change sends nothing for minutes: the client must see that it stands. Where a
  // body follows at once, both go in one write.
  let turn = setImmediate(() => response.flushHeaders());
  const pass = () => {
    clearImmediate(turn);
    if (gathered.bytes === 0 || response.destroyed || gathered.writeTo(response)) return;
    answer.pause();
    response.once('drain', () => answer.resume());
  };
  const end = () => {
    clearImmediate(turn);
    gathered.endTo(response);
  };
  answer.on('data', (chunk: Buffer) => {
    seen(chunk);
    if (gathered.bytes + chunk.length > GATHERED_MOST) pass();
    const first = gathered.bytes === 0;
    gathered.add(chunk);
    left -= chunk.length;
    // The last of it and the end in one write, where its length is known.
    if (left === 0) end();
    else if (first) {
      clearImmediate(turn);
      turn = setImmediate(pass);
    }
  });
  answer.once('end', () => {
    if (response.writableEnded) return;
    const trailers = trailerPairs(answer.rawTrailers);
    if (trailers.length > 0) response.addTrailers(trailers);
    end();
  });
  answer.prependOnceListener('error', pass);
  return () => answer.readableLength + gathered.bytes + response.writableLength;
}

/** Pieces joined in buffers of one answer. */
class Gathered {
  bytes = 0;
  /** The first piece as it came; alone, it is not copied. */
  #first: Buffer | null = null;
  #into: Buffer | null = null;
  readonly #spare = new SpareBuffers(GATHERED_MOST, SPARE_MOST);

  add(chunk: Buffer): void {
    if (this.bytes === 0) this.#first = chunk;
    else {
      this.#into ??= this.#joined();
      chunk.copy(this.#into, this.bytes);
    }
    this.bytes += chunk.length;
  }

  /** False where the client takes no more for now. */
  writeTo(response: ServerResponse): boolean {
    const into = this.#into;
    return into ? response.write(this.#take(), () => this.#spare.giveBack(into)) : response.write(this.#take());
  }

  endTo(response: ServerResponse): void {
    if (this.bytes > 0) response.end(this.#take());
    else response.end();
  }

  #joined(): Buffer {
    const into = this.#spare.take();
    this.#first!.copy(into);
    return into;
  }

  #take(): Buffer {
    const whole = this.#into?.subarray(0, this.bytes) ?? this.#first!;
    this.bytes = 0;
    this.#first = null;
    this.#into = null;
    return whole;
  }
}

function trailerPairs(raw: string[]): [string, string][] {
  const out: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) out.push([raw[at]!, raw[at + 1]!]);
  return out;
}
