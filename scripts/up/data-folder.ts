/** The folder that `npm run up` keeps everything in. It is marked as ours, so that `npm run down` removes no other. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { lockHolder, releaseLock, takeLock } from '../../e2e/machine/lock.ts';
import { UsageError } from './options.ts';

const MARK = 'sallyport.json';

/** What `down` must know of what `up` did. */
export type Installation = {
  /** Where shells run; `own` is stopped and removed, another one is only cleared of our containers. */
  engine?: { dockerHost: string; own: boolean };
};

export function readInstallation(dataDir: string): Installation | undefined {
  try {
    return JSON.parse(readFileSync(join(dataDir, MARK), 'utf8')) as Installation;
  } catch {
    return undefined;
  }
}

export async function writeInstallation(dataDir: string, installation: Installation): Promise<void> {
  await writeFile(join(dataDir, MARK), `${JSON.stringify(installation, null, 2)}\n`, { mode: 0o600 });
}

/** Makes the folder. Throws UsageError for one that holds something else already. */
export async function prepareDataFolder(dataDir: string): Promise<void> {
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0 && !readInstallation(dataDir))
    throw new UsageError(`${dataDir} holds something else; name an empty or a new folder with --data-dir`);
  await mkdir(dataDir, { recursive: true });
  // The database runs as another user and passes through; what lies in here is closed, each by itself.
  await chmod(dataDir, 0o711);
  if (!readInstallation(dataDir)) await writeInstallation(dataDir, {});
  if (process.getuid?.() === 0) await refuseClosedParents(dataDir);
}

async function refuseClosedParents(dataDir: string): Promise<void> {
  for (let folder = dirname(dataDir); ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0)
      throw new UsageError(
        `${folder} is closed to other users, and as root the database runs as one: name a folder elsewhere with --data-dir (as /var/lib/sallyport), or run: chmod o+x ${folder}`,
      );
    if (folder === dirname(folder)) return;
  }
}

function lockOf(dataDir: string): string {
  return join(dataDir, 'up.lock');
}

/** The `npm run up` that has this folder, if one runs. */
export function upRunning(dataDir: string): number | undefined {
  return lockHolder(lockOf(dataDir));
}

/** Throws UsageError where another `npm run up` has the folder. Disposing gives it back. */
export function holdDataFolder(dataDir: string): Disposable {
  if (!takeLock(lockOf(dataDir)))
    throw new UsageError(
      `npm run up runs already on ${dataDir} (pid ${upRunning(dataDir)}); stop it, or name another --data-dir`,
    );
  return { [Symbol.dispose]: () => releaseLock(lockOf(dataDir)) };
}
