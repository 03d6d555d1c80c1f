/** `npm run up` as a person or a script runs it, for tests and benches: a whole portal in a folder of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import type { Demo } from '../scripts/up/demo.ts';

const ROOT = join(import.meta.dirname, '..');

export type RunningUp = Demo & {
  /** Of `npm run up` itself, not of the portal. */
  pid: number;
  /** What it has said on stderr so far. */
  said(): string;
  /** Ends it as Ctrl-C does; resolves with its exit code. */
  stop(): Promise<number | null>;
  ended: Promise<number | null>;
};

/** Resolves when it has printed its line of JSON; throws with what it said where it ends before. */
export async function startUp(args: string[], env: Record<string, string> = {}): Promise<RunningUp> {
  const child = spawn(process.execPath, [join(ROOT, 'scripts', 'run.mjs'), 'scripts/up.ts', '--json', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve)),
    ended,
  ]);
  if (typeof line !== 'string') throw new Error(`npm run up ended with ${line}:\n${said}`);
  return {
    ...(JSON.parse(line) as Demo),
    pid: child.pid!,
    said: () => said,
    ended,
    stop: () => {
      child.kill('SIGINT');
      return ended;
    },
  };
}

/** Ends and removes all of it; resolves with what it said. */
export async function runDown(dataDir: string, ...args: string[]): Promise<string> {
  const child = spawn(
    process.execPath,
    [join(ROOT, 'scripts', 'run.mjs'), 'scripts/down.ts', '--data-dir', dataDir, ...args],
    { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(`npm run down ended with ${String(code)}:\n${said}`);
  return said;
}
