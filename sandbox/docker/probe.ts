/** Finds out whether the engine's containers reach a socket of ours: not so on Docker Desktop or a remote engine. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { DockerRuntimeOptions } from './options.ts';

const PROBE_MS = 15_000;
const DIAL = `require('node:net').connect('/run/sallyport/probe.sock', () => process.exit(0)).on('error', () => process.exit(1))`;

/** Runs one short container. Rejects with the engine's errors, a missing image among them. */
export async function socketsAreShared(options: DockerRuntimeOptions): Promise<boolean> {
  // Not by pid: replicas in containers may have the same one, and this folder in common.
  const name = `probe-${randomBytes(4).toString('hex')}`;
  const folder = join(options.runtimeDir, name);
  await mkdir(folder, { recursive: true });
  let dialled = false;
  const server = createServer((socket) => {
    dialled = true;
    socket.destroy();
  });
  try {
    const socket = join(folder, 'probe.sock');
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socket, resolve));
    await chmod(socket, 0o666);
    await chmod(folder, 0o755);
    await run(options, join(options.hostRuntimeDir ?? options.runtimeDir, name));
    return dialled;
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(options: DockerRuntimeOptions, source: string): Promise<void> {
  const container = await options.docker
    .createContainer({
      Image: options.image,
      Entrypoint: ['/opt/sallyport/bin/node', '-e', DIAL],
      User: '1000:1000',
      HostConfig: {
        NetworkMode: 'none',
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges:true'],
        LogConfig: { Type: 'none', Config: {} },
        Mounts: [{ Type: 'bind', Source: source, Target: '/run/sallyport', ReadOnly: true }],
        ...(options.runtime ? { Runtime: options.runtime } : {}),
      },
    })
    .catch((error: { statusCode?: number; message: string }) => {
      // The engine does not know the folder: it runs on another machine.
      if (error.statusCode === 400 && /mount/.test(error.message)) return null;
      throw error;
    });
  if (!container) return;
  try {
    // A mount that the engine cannot make shows only here.
    await container.start();
    await container.wait({ abortSignal: AbortSignal.timeout(PROBE_MS) });
  } catch {
    // Whatever it was, nothing has dialled: the other way is taken.
  } finally {
    await container.remove({ force: true }).catch(() => {});
  }
}
