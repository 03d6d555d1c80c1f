/** One at a time across processes: for parts that several test workers, or two commands, may want to start at once. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isRunning, startTimeOf } from './processes.ts';
import { until } from './until.ts';

function isStale(file: string): boolean {
  try {
    const [pid = '', startTime = ''] = readFileSync(file, 'utf8').split(' ');
    // Empty: its owner is just about to write it.
    return startTime !== '' && !isRunning({ pid: Number(pid), startTime });
  } catch {
    return false;
  }
}

function take(file: string): boolean {
  try {
    writeFileSync(file, `${process.pid} ${startTimeOf(process.pid) ?? ''}`, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (isStale(file)) rmSync(file, { force: true });
    return false;
  }
}

/** Runs `work` while no other process holds the lock of this file; a lock whose holder is gone does not count. */
export async function whileLocked<T>(file: string, work: () => Promise<T>, within = 900_000): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  await until(() => take(file), { within, every: 100, what: `the lock ${file}` });
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}
