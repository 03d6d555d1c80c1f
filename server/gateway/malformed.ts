/** Requests that node's strict parser does not take: two lengths, folded headers, headers too long or without end. */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { correlationOf } from '../correlation.ts';
import { Problem } from '../domain/problem.ts';
import { requestLate } from '../domain/shared-problems.ts';
import { errorAnswer } from './kube-error.ts';

/** Tokens and long selectors fit; Go's servers take 1 MiB, of which nothing honest comes near. */
export const HEADER_BYTES = 64 * 1024;
/** Ms that the answer is given to arrive: closing at once, with bytes unread, would take it away again. */
const LINGER_MS = 2_000;

/** For the event `clientError`. Answers, and closes the connection whether the other side does or not. */
export function answerMalformed(errorDocs: string): (error: NodeJS.ErrnoException, socket: Duplex) => void {
  const answered = new WeakSet<Duplex>();
  return (error, socket) => {
    // What else comes of the same request is an error again: it has its answer, and the time to read it.
    if (answered.has(socket) && error.code !== 'ECONNRESET') return;
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    answered.add(socket);
    // Nothing of such a request is believed, its ids included.
    const context = { request: null, correlation: correlationOf(null), auditId: null, errorDocs };
    const { status, headers, body } = errorAnswer(problemOf(error.code), context);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.on('error', () => {});
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}connection: close\r\n\r\n${body}`,
      'utf8',
    );
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.resume().once('close', () => clearTimeout(timer));
  };
}

function problemOf(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new Problem('headers-too-large', 431, `The headers are longer than ${HEADER_BYTES} bytes.`, {
      next: 'Send fewer or shorter ones.',
    });
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return requestLate();
  return new Problem('bad-request', 400, 'This is not a well-formed HTTP/1.1 request.', {
    next: 'Look at what stands between the client and the portal.',
  });
}
