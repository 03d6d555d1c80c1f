/**
 * Runs a TypeScript program of the project on Node 24 with its dependencies in place: `node scripts/run.mjs FILE …`.
 *
 * Plain JavaScript that needs nothing but Node 18, since it is what a fresh clone starts with. Installs by `npm ci`
 * where node_modules does not agree with package-lock.json, then hands over to the Node that npm installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @returns {{packages: Record<string, {version?: string, optional?: boolean, devOptional?: boolean, os?: string[], cpu?: string[], libc?: string[], link?: boolean}>}} */
function readLock(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** npm keeps what it installed in a hidden lock file: the two are compared version by version. */
function isInstalled() {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const installed = readLock(hidden).packages;
  return Object.entries(readLock(join(root, 'package-lock.json')).packages).every(([path, wanted]) => {
    if (path === '') return true;
    const have = installed[path];
    if (have === undefined) return wanted.optional === true || wanted.devOptional === true;
    return have.version === wanted.version;
  });
}

function install() {
  process.stderr.write('Dependencies: installing the versions of package-lock.json with npm ci\n');
  const script = process.env.npm_execpath;
  const [command, first] = script && /\.c?js$/.test(script) ? [process.execPath, [script]] : ['npm', []];
  // Installs' chatter goes to stderr: stdout belongs to the program.
  const result = spawnSync(command, [...first, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (result.status !== 0) {
    process.stderr.write('Dependencies: npm ci failed; its message is above.\n');
    process.exit(1);
  }
}

/** The Node of the lock file where npm has one for this platform, else this one. */
function findNode() {
  const own = join(root, 'node_modules', '.bin', 'node');
  if (existsSync(own) && spawnSync(own, ['--version']).status === 0) return own;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  process.stderr.write(
    `Node: npm has no Node 24 for ${process.platform} ${process.arch}; install Node 24 or newer and run this again.\n`,
  );
  return process.exit(1);
}

const [file, ...args] = process.argv.slice(2);
if (!file) {
  process.stderr.write('usage: node scripts/run.mjs FILE [ARGUMENT…]\n');
  process.exit(2);
}
if (!isInstalled()) install();
// Type stripping is called experimental at each start.
const child = spawn(findNode(), ['--disable-warning=ExperimentalWarning', join(root, file), ...args], {
  cwd: root,
  // The channel carries nothing: its end tells the program that this process was killed.
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
});
// A terminal sends its Ctrl-C to both; what is sent to this process alone is passed on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.once('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
