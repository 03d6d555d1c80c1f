/**
 * How web is kept apart from the portal: as root, it runs as a user of its own, to whom the portal's files, memory and
 * sockets are closed. Where the checkout lies in a folder that this user may not enter, web gets a mount namespace in
 * which it is mounted at a place that it may. Otherwise it runs as ourselves, and that is said.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A user that exists nowhere else: no name, no home, no other process of that uid. */
export const WEB_UID = 64_741;
/** Where the checkout appears in web's own mount namespace. */
const MOUNT = '/run/sallyport-web';
/** From the checkout's root: what web loads first, so that it ends when its standard input does. */
const LIFELINE = 'server/http/web-lifeline.mjs';

export type Isolation =
  | { kind: 'user' }
  /** The checkout is mounted at `root`, Node's own program at `node`, for web alone. */
  | { kind: 'mount'; root: string; node: string }
  | { kind: 'none'; reason: string };

export type WebCommand = { file: string; args: string[]; cwd: string; uid?: number; gid?: number };

/** `root`: the checkout. `node`: the program that runs us. */
export function chooseIsolation(root: string, node: string): Isolation {
  if (process.getuid?.() !== 0)
    return { kind: 'none', reason: 'the portal does not run as root, so it cannot start web as another user' };
  if (reachable(join(root, 'package.json')) && reachable(node)) return { kind: 'user' };
  try {
    mkdirSync(MOUNT, { recursive: true, mode: 0o755 });
    execFileSync('unshare', ['--mount', 'mount', '--bind', root, MOUNT], { stdio: 'ignore' });
    accessSync('/usr/bin/setpriv', constants.X_OK);
  } catch {
    return { kind: 'none', reason: `user ${WEB_UID} may not enter ${root}, and it cannot be mounted elsewhere for it` };
  }
  return { kind: 'mount', root: MOUNT, node: inside(root, node) };
}

/**
 * The command line that runs a file of the checkout (`program`: from its root) with Node, apart as `isolation` says, for
 * as long as its standard input is open: that must be a pipe which ends with us.
 */
export function webCommand(
  isolation: Isolation,
  root: string,
  node: string,
  program: string,
  args: string[],
): WebCommand {
  if (isolation.kind !== 'mount') {
    const user = isolation.kind === 'user' ? { uid: WEB_UID, gid: WEB_UID } : {};
    return { file: node, args: nodeArgs(root, program, args), cwd: root, ...user };
  }
  const script =
    'mount --make-rprivate / && mount --bind "$1" "$2" && program="$3" && cd "$2" && shift 3 && ' +
    // What sh adds of its own is left out again.
    'exec env --unset=PWD --unset=OLDPWD setpriv --reuid=64741 --regid=64741 --clear-groups --no-new-privs --bounding-set=-all "$program" "$@"';
  const given = [root, isolation.root, isolation.node, ...nodeArgs(isolation.root, program, args)];
  return { file: 'unshare', args: ['--mount', 'sh', '-c', script, 'sh', ...given], cwd: '/' };
}

/** Where the checkout is seen at `root`. Node takes what it loads first by address: a path may hold `#` or `%`. */
function nodeArgs(root: string, program: string, args: string[]): string[] {
  return [`--import=${pathToFileURL(join(root, LIFELINE)).href}`, join(root, program), ...args];
}

function inside(root: string, node: string): string {
  const path = relative(root, node);
  return path.startsWith('..') ? node : join(MOUNT, path);
}

/** Whether everybody may enter every folder above `path`, and read it. */
function reachable(path: string): boolean {
  if (!(statSync(path).mode & 0o004)) return false;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (!(statSync(folder).mode & 0o001)) return false;
    if (folder === dirname(folder)) return true;
  }
}
