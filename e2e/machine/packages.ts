/** System packages: installed only as root on Debian or Ubuntu, and only after saying so. */
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { whileLocked } from './lock.ts';
import { run } from './run.ts';

/** A program or file that must be there, and the Debian package that brings it. */
export type Need = { file: string; package: string; for: string };

/** Where administrators' programs lie, for a PATH that lacks it. */
const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];

function isThere(file: string): boolean {
  const candidates = file.startsWith('/') ? [file] : FOLDERS.filter(Boolean).map((folder) => join(folder, file));
  return candidates.some((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export function missing(needs: Need[]): Need[] {
  return needs.filter((need) => !isThere(need.file));
}

function isDebian(): boolean {
  try {
    return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

/**
 * Services that packages bring must not start by themselves: what is needed is started by us, in folders of our own.
 * Debian's packages ask this file (invoke-rc.d(8)); an administrator's own answer is left as it is.
 */
async function withoutStartingServices(work: () => Promise<void>): Promise<void> {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await work();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}

/** Readable by everybody, writable by root: only root installs. */
const LOCK = '/run/sallyport-packages.lock';

/** Installs what is missing, or throws an error that holds the one line to run. */
export async function ensurePackages(needs: Need[], say: (line: string) => void): Promise<void> {
  const absent = missing(needs);
  if (absent.length === 0) return;
  const names = [...new Set(absent.map((need) => need.package))];
  const why = absent.map((need) => `${need.file} (${need.for})`).join(', ');
  const line = `apt-get install --no-install-recommends ${names.join(' ')}`;
  if (!isDebian())
    throw new Error(`missing on this machine: ${why}. On Debian or Ubuntu they are the packages ${names.join(', ')}.`);
  if (process.getuid?.() !== 0) throw new Error(`missing on this machine: ${why}. Run once: sudo ${line}`);
  // apt-get gives up at once where another one has the lists: several parts ask at the same time.
  await whileLocked(LOCK, () => install(needs, say));
}

async function install(needs: Need[], say: (line: string) => void): Promise<void> {
  const absent = missing(needs);
  if (absent.length === 0) return;
  const names = [...new Set(absent.map((need) => need.package))];
  say(`Packages: installing ${names.join(', ')} for ${[...new Set(absent.map((need) => need.for))].join(', ')}`);
  await withoutStartingServices(async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const asked = ['install', '--yes', '--no-install-recommends', ...names];
    await run('apt-get', asked, { env }).catch(async () => {
      await run('apt-get', ['update'], { env });
      await run('apt-get', asked, { env });
    });
  });
  const still = missing(needs);
  if (still.length > 0) throw new Error(`still missing after installing: ${still.map((need) => need.file).join(', ')}`);
}
