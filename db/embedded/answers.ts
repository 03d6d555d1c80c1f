/** Whether a Postgres answers on a port of this machine: asked in its own protocol, before any sign-in. */
import { connect } from 'node:net';

/** SSLRequest: its length, 8, and its number in place of a protocol's version (PostgreSQL, "Message Formats"). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
/** A server under load answers in ms; one that was killed never does. */
const PATIENCE_MS = 2_000;

/** Never throws: what does not answer with `S` or `N` is none. */
export function postgresAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (answer: boolean) => {
      resolve(answer);
      socket.destroy();
    };
    socket.setTimeout(PATIENCE_MS, () => done(false));
    socket.once('connect', () => socket.write(SSL_REQUEST));
    socket.once('data', (bytes) => done(bytes[0] === 0x53 || bytes[0] === 0x4e));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
  });
}
