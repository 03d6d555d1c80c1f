/** Who listens on a port: for an error that says what to do. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** proc(5), /proc/net/tcp: state 0A is LISTEN; the inode names the socket. */
function listeningInodes(port: number): Set<string> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6'])
    try {
      for (const line of readFileSync(file, 'utf8').split('\n').slice(1)) {
        const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
        if (state === '0A' && local.endsWith(`:${hex}`) && inode) inodes.add(inode);
      }
    } catch {
      // no IPv6
    }
  return inodes;
}

/** `nginx (pid 4711)`; undefined where nobody listens, or where the process is not ours to see. */
export function listenerOn(port: number): string | undefined {
  const inodes = listeningInodes(port);
  if (inodes.size === 0) return undefined;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
        if (inode && inodes.has(inode)) return `${programOf(pid)} (pid ${pid})`;
      }
    } catch {
      // another user's process, or one that has just ended
    }
  return undefined;
}

/** What it was started as; the kernel's short name is that of a thread, which Node calls `MainThread`. */
function programOf(pid: string): string {
  const [command = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  // Some overwrite their command line with a sentence (`nginx: master process …`).
  return basename(command.split(/[: ]/)[0] ?? '') || readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
}
