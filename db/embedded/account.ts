/** Postgres refuses to run as root: as root, it runs as the system user `postgres`. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export type Account = { uid: number; gid: number } | undefined;

function find(): Account {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined;
}

/** Undefined where we are not root: then Postgres runs as ourselves. Makes the user where it is missing. */
export function postgresAccount(): Account {
  if (process.getuid?.() !== 0) return undefined;
  const found = find();
  if (found) return found;
  execFileSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']);
  return find();
}
