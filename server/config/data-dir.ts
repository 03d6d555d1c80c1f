/** The data directory: made with the right modes, and held by one portal at a time. */
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from './env.ts';

/**
 * Makes the folder and takes its lock. The lock is the kernel's (flock): it is gone the moment this process is, however
 * it ends, and holds across containers that share the folder. Node has no call for it, so the `flock` command of
 * util-linux takes it on our open file, whose lock outlives the command. Throws ConfigError.
 */
export function openDataDir(dataDir: string): Disposable {
  try {
    // Others may pass through (the embedded database runs as a user of its own), not look.
    mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  } catch (error) {
    throw new ConfigError('SALLYPORT_DATA_DIR', `${dataDir} cannot be made (${(error as NodeJS.ErrnoException).code})`);
  }
  const path = join(dataDir, 'portal.lock');
  let file: number;
  try {
    // Not truncated: the holder's pid stands in it.
    file = openSync(path, 'a+', 0o600);
  } catch (error) {
    throw new ConfigError('SALLYPORT_DATA_DIR', `${path} cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
  const taken = spawnSync('flock', ['--nonblock', '--exclusive', '3'], { stdio: ['ignore', 'ignore', 'pipe', file] });
  if (taken.status !== 0) {
    closeSync(file);
    if (taken.error)
      throw new ConfigError('SALLYPORT_DATA_DIR', 'cannot be locked: the command flock (util-linux) is missing');
    const holder = readFileSync(path, 'utf8').trim();
    throw new ConfigError(
      'SALLYPORT_DATA_DIR',
      `another portal${holder ? ` (process ${holder})` : ''} runs on ${dataDir}; end it first, or give this one a folder of its own`,
    );
  }
  ftruncateSync(file);
  writeSync(file, `${process.pid}\n`);
  return { [Symbol.dispose]: () => closeSync(file) };
}
