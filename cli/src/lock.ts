/**
 * One at a time: a lock is a file that only one process can make. What a killed process leaves is taken over, by its
 * process id and by its age.
 */
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from './failure.ts';

/** Ms. A question to the portal is given up after 15 s; who holds a lock for longer than two of them is gone. */
const STALE_MS = 40_000;
const PATIENCE_MS = 60_000;
const LOOK_MS = 25;

/** Runs `act` while no other process runs one with the same path. Throws Failure where the other never ends. */
export async function withLock<T>(path: string, act: () => Promise<T>): Promise<T> {
  const began = Date.now();
  while (!take(path)) {
    if (Date.now() - began > PATIENCE_MS)
      throw new Failure(`Another sallyport is busy for too long. If none runs, remove ${path}.`);
    removeStale(path);
    await delay(LOOK_MS);
  }
  try {
    return await act();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string): boolean {
  try {
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new Failure(`${path} cannot be made: ${(error as Error).message}.`, { cause: error });
  }
}

/** Two who take over at once may both succeed, in an instant of a rare case: then the portal is asked twice. */
function removeStale(path: string): void {
  try {
    const holder = readFileSync(path, 'utf8');
    // Empty: it is being written at this moment.
    const gone = holder !== '' && !lives(Number(holder));
    if (!gone && Date.now() - statSync(path).mtimeMs < STALE_MS) return;
    const aside = `${path}.${process.pid}`;
    renameSync(path, aside);
    rmSync(aside, { force: true });
  } catch {
    // It went meanwhile.
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
