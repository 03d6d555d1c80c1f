/** System packages: installed only as root on Debian or Ubuntu, and only after saying so. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
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
  say(`Packages: installing ${names.join(', ')} for ${why}`);
  const environment = {
    ...process.env,
    DEBIAN_FRONTEND: 'noninteractive',
    // Services that come with them must not start: what is needed is started by us, in folders of our own.
    RUNLEVEL: '1',
  };
  const install = ['install', '--yes', '--no-install-recommends', ...names];
  await run('apt-get', install, { env: environment }).catch(async () => {
    await run('apt-get', ['update'], { env: environment });
    await run('apt-get', install, { env: environment });
  });
  const still = missing(needs);
  if (still.length > 0) throw new Error(`still missing after installing: ${still.map((need) => need.file).join(', ')}`);
}
