/**
 * Passes an answer's body on, what comes in one turn of the loop in one piece: an API server sends a long list in
 * thousands, and each would be a chunk, a TLS record and a system call of its own, here and where it arrives.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What rests here goes on before it is more than this, and a piece that came whole. */
const GATHERED_MOST = 64 * 1024;

/**
 * After `writeHead`. `seen` is told of each piece as it comes; a client that takes no more stops the answer. What came
 * before an answer broke is passed on before who listens for its `error` hears of it.
 */
export function passBody(answer: IncomingMessage, response: ServerResponse, seen: (chunk: Buffer) => void): void {
  let gathered: Buffer[] = [];
  let bytes = 0;
  let left = Number(answer.headers['content-length']);
  // A watch of something that does not change sends nothing for minutes: the client must see that it stands. Where a
  // body follows at once, both go in one write.
  let turn = setImmediate(() => response.flushHeaders());
  const taken = (): Buffer => {
    clearImmediate(turn);
    const whole = gathered.length === 1 ? gathered[0]! : Buffer.concat(gathered, bytes);
    gathered = [];
    bytes = 0;
    return whole;
  };
  const pass = () => {
    const whole = taken();
    if (whole.length === 0 || response.destroyed || response.write(whole)) return;
    answer.pause();
    response.once('drain', () => answer.resume());
  };
  answer.on('data', (chunk: Buffer) => {
    seen(chunk);
    const first = bytes === 0;
    gathered.push(chunk);
    bytes += chunk.length;
    left -= chunk.length;
    // The last of it and the end in one write, where its length is known.
    if (left === 0) response.end(taken());
    else if (bytes >= GATHERED_MOST) pass();
    else if (first) {
      clearImmediate(turn);
      turn = setImmediate(pass);
    }
  });
  answer.once('end', () => {
    if (response.writableEnded) return;
    const trailers = trailerPairs(answer.rawTrailers);
    if (trailers.length > 0) response.addTrailers(trailers);
    const rest = taken();
    response.end(rest.length > 0 ? rest : undefined);
  });
  answer.prependOnceListener('error', pass);
}

function trailerPairs(raw: string[]): [string, string][] {
  const out: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) out.push([raw[at]!, raw[at + 1]!]);
  return out;
}
