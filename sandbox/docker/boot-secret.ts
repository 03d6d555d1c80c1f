/** Gives a new container its secret on standard input, and keeps what the session host says if it fails. */
import type { Duplex } from 'node:stream';
import type { Container } from 'dockerode';

const SAID_MAX = 4096;

export type Booted = {
  said(): string;
  /** Stops listening: nothing is said any more once the host has called. */
  close(): void;
};

/** Attaches, starts the container, sends the secret and closes its standard input. Rejects with the engine's errors. */
export async function startWithSecret(container: Container, secret: Buffer): Promise<Booted> {
  const stream = (await container.attach({
    stream: true,
    hijack: true,
    stdin: true,
    stdout: true,
    stderr: true,
  })) as unknown as Duplex;
  let said = '';
  stream.on('data', (chunk: Buffer) => {
    // The engine's multiplexing headers are not letters, and are dropped with all else that is none.
    if (said.length < SAID_MAX) said += chunk.toString('latin1').replaceAll(/[^\x20-\x7e\n]/g, '');
  });
  stream.on('error', () => {});
  try {
    await container.start();
    stream.end(`${secret.toString('base64url')}\n`);
  } catch (error) {
    stream.destroy();
    throw error;
  }
  return { said: () => said.trim(), close: () => stream.destroy() };
}
