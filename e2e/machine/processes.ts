/**
 * Processes that outlive the one who starts them, found again by a mark in their environment.
 *
 * A pid file may lie after a reboot or a kill; the environment that a process was started with does not. Programs that
 * such a process starts (containerd's shims) inherit the mark and are found too. Nothing without the mark is ever
 * signalled.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, closeSync, readFileSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { until } from './until.ts';

const INSTANCE = 'SALLYPORT_INSTANCE';
const PART = 'SALLYPORT_PART';

export type MarkedProcess = { pid: number; part: string; startTime: string };

export type StartOptions = {
  command: string;
  args: string[];
  log: string;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** A program that heeds it (server/starter.ts) ends when we do. */
  endsWithUs?: boolean;
};

/** Clock ticks since boot at which the process began; undefined for one that is gone or a zombie. */
export function startTimeOf(pid: number): string | undefined {
  try {
    // proc(5): the name in parentheses may hold anything, so fields are counted from its end.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    if (fields[0] === 'X') return undefined;
    // A killed program is a zombie at once, but keeps its ports until its last thread has gone.
    if (fields[0] === 'Z' && readdirSync(`/proc/${pid}/task`).length <= 1) return undefined;
    return fields[19];
  } catch {
    return undefined;
  }
}

/** The processes of an instance, of one part of it where `part` is given. */
export function findProcesses(instance: string, part?: string): MarkedProcess[] {
  const found: MarkedProcess[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const environment = environmentOf(pid).split('\0');
    if (!environment.includes(`${INSTANCE}=${instance}`)) continue;
    const named = environment.find((line) => line.startsWith(`${PART}=`))?.slice(PART.length + 1) ?? '';
    const startTime = startTimeOf(pid);
    if (startTime && (part === undefined || part === named)) found.push({ pid, part: named, startTime });
  }
  return found;
}

/** Starts a part detached, its output appended to `log`; a part that runs already is left as it is. */
export function startProcess(instance: string, part: string, options: StartOptions): void {
  if (findProcesses(instance, part).length > 0) return;
  mkdirSync(dirname(options.log), { recursive: true });
  const log = openSync(options.log, 'a', 0o600);
  try {
    const child = spawn(options.command, options.args, {
      cwd: options.cwd ?? '/',
      detached: true,
      stdio: ['ignore', log, log, ...(options.endsWithUs ? (['ipc'] as const) : [])],
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        ...options.env,
        [INSTANCE]: instance,
        [PART]: part,
      } as NodeJS.ProcessEnv,
    });
    child.once('error', () => undefined); // shows as "not running" where the caller waits for it
    child.unref();
    child.channel?.unref();
    awaitMark(child.pid);
  } finally {
    closeSync(log);
  }
}

/**
 * spawn returns while execve still lays the new program's environment out: who looked right then would find no mark,
 * and take the process for one that ended at its start.
 */
function awaitMark(pid: number | undefined): void {
  for (let tries = 0; pid !== undefined && tries < 1000 && startTimeOf(pid) && !environmentOf(pid); tries += 1)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}

/** As it was started with; empty for kernel threads, and in the midst of execve. */
function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}

export function isRunning({ pid, startTime }: Pick<MarkedProcess, 'pid' | 'startTime'>): boolean {
  return startTimeOf(pid) === startTime;
}

function signal(process_: MarkedProcess, name: NodeJS.Signals): void {
  if (!isRunning(process_)) return;
  try {
    process.kill(process_.pid, name);
  } catch {
    // it ended in between
  }
}

/**
 * Asks with SIGTERM, and after `grace` ms with SIGKILL; resolves when none of them runs any more, nor what they started
 * meanwhile.
 */
export async function stopProcesses(instance: string, part?: string, grace = 10_000): Promise<void> {
  const asked = findProcesses(instance, part);
  for (const one of asked) signal(one, 'SIGTERM');
  await until(() => !asked.some(isRunning), { within: grace, what: 'end' }).catch(() => undefined);
  await until(
    () => {
      const left = [...asked.filter(isRunning), ...findProcesses(instance, part)];
      for (const one of left) signal(one, 'SIGKILL');
      return left.length === 0;
    },
    { within: 10_000, what: `the end of ${asked.map((one) => one.part).join(', ')}` },
  );
}

/** The last lines of a log, for an error that must say why. */
export function lastLines(log: string, count = 12): string {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  } catch {
    return '(no log)';
  }
}
