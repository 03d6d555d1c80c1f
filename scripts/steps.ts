/** Programs run one after the other or side by side, each said in a line, output kept for when it fails. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { whenStarterEnds } from '../server/starter.ts';

export const ROOT = join(import.meta.dirname, '..');

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Calls `stop` once: at Ctrl-C, at SIGTERM, and when the command that started this program was killed. */
export function onStop(stop: () => void): void {
  let stopped = false;
  const once = (): void => {
    if (!stopped) stop();
    stopped = true;
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, once);
  whenStarterEnds(once);
}

/** Path of a program that npm installed. */
export function bin(name: string): string {
  return join(ROOT, 'node_modules', '.bin', name);
}

export type Step = { name: string; command: string; args: string[]; env?: NodeJS.ProcessEnv };

const children = new Set<ReturnType<typeof spawn>>();

/** Runs a step quietly; shows its output where it fails. Resolves with whether it went well. */
export async function runStep(step: Step): Promise<boolean> {
  const start = Date.now();
  const output: Buffer[] = [];
  const code = await execute(step, (chunk) => output.push(chunk));
  const seconds = ((Date.now() - start) / 1000).toFixed(1);
  if (code !== 0) process.stderr.write(Buffer.concat(output));
  say(`${code === 0 ? '✓' : '✗'} ${step.name} (${seconds} s)`);
  return code === 0;
}

/** Runs a step with its output shown as it comes, all of it on stderr. */
export async function showStep(step: Step): Promise<boolean> {
  return (await execute(step, (chunk) => process.stderr.write(chunk))) === 0;
}

function execute(step: Step, onOutput: (chunk: Buffer) => void): Promise<number | null> {
  return new Promise((resolve) => {
    const path = `${join(ROOT, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`;
    const child = spawn(step.command, step.args, {
      cwd: ROOT,
      env: { ...process.env, PATH: path, ...step.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    child.stdout.on('data', onOutput);
    child.stderr.on('data', onOutput);
    const end = (code: number | null): void => {
      children.delete(child);
      resolve(code);
    };
    child.once('error', (error) => {
      onOutput(Buffer.from(`${error.message}\n`));
      end(1);
    });
    child.once('close', end);
  });
}

/** Ends every step that runs. */
export function endSteps(): void {
  for (const child of children) child.kill('SIGTERM');
}
