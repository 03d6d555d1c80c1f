/** Gives a new container its secret on standard input, and keeps what the session host says if it fails. */
import type { Duplex } from 'node:stream';
import type { Container } from 'dockerode';

const SAID_MAX = 4096;

export type Booted = {
  said(): string;
  /** Stops listening: nothing is said any more once the host has called. */
  close(): void;
};

/** Attaches, sends the secret, closes the standard input and starts the container. Rejects with the engine’s errors. */
export async function startWithSecret(container: Container, secret: Buffer): Promise<Booted> {
  const stream = await attach(container);
  let said = '';
  stream.on('data', (chunk: Buffer) => {
    // The engine's multiplexing headers are not letters, and are dropped with all else that is none.
    if (said.length < SAID_MAX) said += chunk.toString('latin1').replaceAll(/[^\x20-\x7e\n]/g, '');
  });
  stream.on('error', () => {});
  try {
    // Before the start: the engine keeps it for the container, and the session host need not wait for it.
    stream.end(`${secret.toString('base64url')}\n`);
    await container.start();
  } catch (error) {
    stream.destroy();
    throw error;
  }
  return { said: () => said.trim(), close: () => stream.destroy() };
}

/**
 * The engine's attach, asked for without a body: dockerode's own sends its options as one, and of what comes after the
 * engine has taken the connection over (over TCP a body may come in a packet of its own) everything is the container's
 * standard input, where the secret is awaited.
 */
function attach(container: Container): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const request = {
    // dockerode drops the last character of such a path.
    path: `/containers/${container.id}/attach?stream=1&stdin=1&stdout=1&stderr=1&`,
    method: 'POST',
    isStream: true,
    hijack: true,
    // A body of no bytes: without any, dockerode announces chunks and never ends them.
    file: Buffer.alloc(0),
    headers: { 'Content-Type': 'text/plain' },
    statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
  };
  container.modem.dial(request, (error: Error | null, stream: Duplex) => (error ? reject(error) : resolve(stream)));
  return promise;
}
