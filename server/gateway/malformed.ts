/** Requests that node's strict parser does not take: two lengths, folded headers, headers too long or without end. */
import type { Duplex } from 'node:stream';
import { correlationOf } from '../correlation.ts';

/** Tokens and long selectors fit; Go's servers take 1 MiB, of which nothing honest comes near. */
export const HEADER_BYTES = 64 * 1024;
/** Ms that the answer is given to arrive: closing at once, with bytes unread, would take it away again. */
const LINGER_MS = 2_000;

/** For the event `clientError`. Answers, and closes the connection whether the other side does or not. */
export function answerMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, sentence] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', `The headers are longer than ${HEADER_BYTES} bytes.`]
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'The request did not arrive in time.']
        : ['400 Bad Request', 'This is not a well-formed HTTP/1.1 request.'];
  const body = `${sentence}\n`;
  socket.on('error', () => {});
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${body.length}\r\n` +
      `x-sallyport-error-code: bad-request\r\nx-correlation-id: ${correlationOf(null).id}\r\nconnection: close\r\n\r\n${body}`,
  );
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.resume().once('close', () => clearTimeout(timer));
}
