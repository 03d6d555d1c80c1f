/** The portal listens on two Unix sockets in a folder that the sandbox sees read-only; the host dials them. */
import { statSync, watch } from 'node:fs';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { join } from 'node:path';
import type { Way } from './way.ts';

export function socketsWay(folder: string): Way {
  const way: Way = { dial: (kind) => dial(join(folder, `${kind}.sock`)), onPortal: () => {} };
  const socket = join(folder, 'terminal.sock');
  let known = inode(socket);
  try {
    // A portal that takes over listens on a new socket of the same name, while the old connection may still stand.
    watch(folder, () => {
      const found = inode(socket);
      if (found === known) return;
      known = found;
      if (found !== null) way.onPortal();
    }).on('error', () => {});
  } catch {
    // No inotify here (some sandboxed kernels): the retries of the link find the portal a little later.
  }
  return way;
}

function dial(path: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

function inode(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
}
