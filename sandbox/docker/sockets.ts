/** The way of sockets: a folder with the two sockets of one sandbox, on which the portal listens. */
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { Problem } from '../../server/domain/problem.ts';
import type { SandboxStreams } from '../../server/ports/sandbox-runtime.ts';

/** What the kernel allows for a Unix socket's path. */
const PATH_MAX = 107;
/** Anybody in the sandbox may dial; what is past this is closed at once. */
const TERMINAL_CONNECTIONS_MAX = 32;
const API_CONNECTIONS_MAX = 1024;

/** The folder of all sandboxes; only the portal's user gets through it. */
export function socketsRoot(runtimeDir: string): string {
  return join(runtimeDir, 's');
}

/** A sandbox's folder name: short, for the limit above. */
export function shortName(sandbox: string): string {
  return sandbox.replaceAll('-', '').slice(0, 16);
}

export class SandboxSockets {
  readonly folder: string;
  #servers: Server[] = [];

  constructor(runtimeDir: string, sandbox: string) {
    this.folder = join(socketsRoot(runtimeDir), shortName(sandbox));
  }

  /** Makes the folder where it is missing, and listens anew. Throws Problem `sandbox-failed`. */
  async listen(streams: SandboxStreams): Promise<void> {
    const longest = join(this.folder, 'terminal.sock');
    if (Buffer.byteLength(longest) > PATH_MAX)
      throw new Problem('sandbox-failed', 500, `The socket path ${longest} is longer than ${PATH_MAX} bytes.`, {
        next: 'Choose a shorter runtime directory.',
      });
    await mkdir(socketsRoot(join(this.folder, '../..')), { recursive: true, mode: 0o700 });
    await mkdir(this.folder, { recursive: true });
    // The sandbox's user looks through it and may write nothing in it; the mount is read-only as well.
    await chmod(this.folder, 0o755);
    // The API first: once the host has found the terminal's socket both are there.
    await this.#listen('api.sock', API_CONNECTIONS_MAX, (stream) => streams.api(stream));
    await this.#listen('terminal.sock', TERMINAL_CONNECTIONS_MAX, (stream) => streams.terminal(stream));
  }

  /** Stops listening. Streams that are open stay their receivers'. */
  async close(): Promise<void> {
    for (const server of this.#servers.splice(0)) server.close();
    // Nobody listens any more: a socket without a listener would only make the host wait in vain.
    await rm(join(this.folder, 'terminal.sock'), { force: true });
    await rm(join(this.folder, 'api.sock'), { force: true });
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #listen(name: string, most: number, take: (stream: Socket) => void): Promise<void> {
    const path = join(this.folder, name);
    await rm(path, { force: true });
    const server = createServer({ allowHalfOpen: true }, take);
    server.maxConnections = most;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        server.on('error', () => {});
        resolve();
      });
    });
    await chmod(path, 0o666);
    this.#servers.push(server);
  }
}
