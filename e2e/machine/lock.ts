/** One at a time across processes: for parts that several test workers, or two commands, may want to start at once. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isRunning, startTimeOf } from './processes.ts';
import { until } from './until.ts';

/** The process that holds the lock, and still runs; undefined where nobody does. */
export function lockHolder(file: string): number | undefined {
  try {
    const [pid = '', startTime = ''] = readFileSync(file, 'utf8').split(' ');
    // Empty: its owner is just about to write it.
    return startTime === '' || isRunning({ pid: Number(pid), startTime }) ? Number(pid) : undefined;
  } catch {
    return undefined;
  }
}

/** Takes the lock at once, or says no. It is given back by {@link releaseLock}, or by the end of this process. */
export function takeLock(file: string): boolean {
  mkdirSync(dirname(file), { recursive: true });
  try {
    writeFileSync(file, `${process.pid} ${startTimeOf(process.pid) ?? ''}`, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (lockHolder(file) !== undefined) return false;
    rmSync(file, { force: true });
    return takeLock(file);
  }
}

export function releaseLock(file: string): void {
  rmSync(file, { force: true });
}

/** Runs `work` while no other process holds the lock of this file; a lock whose holder is gone does not count. */
export async function whileLocked<T>(file: string, work: () => Promise<T>, within = 900_000): Promise<T> {
  await until(() => takeLock(file), { within, every: 100, what: `the lock ${file}` });
  try {
    return await work();
  } finally {
    releaseLock(file);
  }
}
