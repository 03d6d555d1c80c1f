/**
 * The peer: ttyd (MIT, Debian sid's package) running `docker exec -it <container> bash`, and a client as light as ours.
 * ttyd lives in a small Debian tree of its own under the user's cache folder, because Debian stable has none.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { Outlet, type BenchTerminal } from './terminal.ts';

const run = promisify(execFile);
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sallyport', 'ttyd-sid');

export type Ttyd = AsyncDisposable & { port: number };

/** Starts ttyd on a free loopback port. Throws with a sentence where the machine cannot have it. */
export async function startTtyd(engineSocket: string, container: string): Promise<Ttyd> {
  if (process.getuid?.() !== 0) throw new Error('the ttyd comparison needs root: ttyd runs in a folder of its own');
  await install();
  // A mount namespace of its own: what is mounted here is gone with the process, however it ends.
  const script = [
    'mount --rbind /dev "$0/dev"',
    'mount --bind /proc "$0/proc"',
    'mount --bind "$1" "$0/run/engine"',
    'exec chroot "$0" /usr/bin/ttyd -i 127.0.0.1 -p 0 -W /usr/local/bin/docker -H "unix:///run/engine/$2" exec -it "$3" bash',
  ].join(' && ');
  const socket = await realpath(engineSocket);
  const child = spawn(
    'unshare',
    ['--mount', 'sh', '-c', script, cache, dirname(socket), socket.slice(dirname(socket).length + 1), container],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  try {
    return { port: await listeningPort(child), [Symbol.asyncDispose]: () => stop(child) };
  } catch (error) {
    await stop(child);
    throw error;
  }
}

async function listeningPort(child: ChildProcess): Promise<number> {
  const said: string[] = [];
  const lines = createInterface({ input: child.stderr! });
  for await (const line of lines) {
    said.push(line);
    const port = /Listening on port: (\d+)/.exec(line)?.[1];
    if (port) {
      child.stderr!.resume();
      return Number(port);
    }
  }
  throw new Error(`ttyd did not start: ${said.join('\n')}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function install(): Promise<void> {
  const client = await realpath((await run('sh', ['-c', 'command -v docker'])).stdout.trim());
  if (!(await exists(join(cache, 'usr/bin/ttyd')))) {
    const making = `${cache}.${process.pid}`;
    process.stderr.write('bench: making a Debian sid folder with ttyd in the cache (about 130 MB, once)\n');
    await mkdir(dirname(cache), { recursive: true });
    try {
      // The mirror may be a snapshot whose lists have lapsed.
      const options = ['--variant=minbase', '--include=ttyd', '--aptopt=Acquire::Check-Valid-Until "false"'];
      await run('mmdebstrap', [...options, 'sid', making], { maxBuffer: 16 << 20 });
      await rename(making, cache);
    } finally {
      await rm(making, { recursive: true, force: true });
    }
  }
  await mkdir(join(cache, 'run/engine'), { recursive: true });
  const copy = join(cache, 'usr/local/bin/docker');
  if (!(await exists(copy))) await copyFile(client, copy);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** ttyd's protocol: subprotocol `tty`, a JSON greeting with the size, then messages led by one character. */
export async function connectTtyd(port: number): Promise<BenchTerminal> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, ['tty'], { perMessageDeflate: false });
  const outlet = new Outlet();
  const terminal: BenchTerminal = {
    listen: outlet.listen,
    write(bytes) {
      const data = Buffer.from(bytes as string);
      const message = Buffer.allocUnsafe(data.length + 1);
      message[0] = 0x30; // '0': input
      data.copy(message, 1);
      socket.send(message);
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    async close() {
      if (socket.readyState === WebSocket.CLOSED) return;
      socket.terminate();
      await once(socket, 'close');
    },
  };
  socket.on('message', (message: Buffer) => {
    if (message[0] === 0x30) outlet.push(message.subarray(1)); // '0': output
  });
  await once(socket, 'open');
  socket.send(JSON.stringify({ AuthToken: '', columns: 80, rows: 24 }));
  return terminal;
}
