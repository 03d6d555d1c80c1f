/** Runs a program to its end. */
import { spawn } from 'node:child_process';

export type RunOptions = {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  input?: string;
  signal?: AbortSignal;
  /** Called with each whole line of stdout and stderr. */
  onLine?: (line: string) => void;
  uid?: number;
  gid?: number;
};

/** A program that answered with something else than 0. */
export class RunError extends Error {
  override name = 'RunError';
  readonly code: number | null;
  readonly output: string;

  constructor(command: string, code: number | null, output: string) {
    super(
      `${command} ended with ${code ?? 'a signal'}: ${output.trim().split('\n').slice(-8).join('\n') || 'no output'}`,
    );
    this.code = code;
    this.output = output;
  }
}

/** Resolves with stdout; throws {@link RunError} with what it wrote to stderr (and stdout) otherwise. */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    signal: options.signal,
    uid: options.uid,
    gid: options.gid,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const stdout: Buffer[] = [];
  const all: Buffer[] = [];
  let rest = '';
  const take = (chunk: Buffer): void => {
    all.push(chunk);
    if (!options.onLine) return;
    const lines = (rest + chunk.toString()).split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) options.onLine(line);
  };
  child.stdout!.on('data', (chunk: Buffer) => {
    stdout.push(chunk);
    take(chunk);
  });
  child.stderr!.on('data', take);
  if (options.input !== undefined) child.stdin!.end(options.input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new RunError([command, ...args].join(' '), code, Buffer.concat(all).toString());
  return Buffer.concat(stdout).toString();
}
