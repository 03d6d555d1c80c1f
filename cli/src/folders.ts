/** Where this program keeps what: settings by XDG_CONFIG_HOME, secrets by XDG_STATE_HOME, closed to other people. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { Failure } from './failure.ts';

export type Environment = Record<string, string | undefined>;

/** The specification wants relative paths ignored. */
function base(env: Environment, name: string, fallback: string): string {
  const given = env[name];
  return given && isAbsolute(given) ? given : join(homeOf(env), fallback);
}

export function homeOf(env: Environment): string {
  return env['HOME'] || homedir();
}

export function configFile(env: Environment): string {
  return join(base(env, 'XDG_CONFIG_HOME', '.config'), 'sallyport', 'config.json');
}

/** A portal's own: its sign-in and its credentials. */
export function stateFolder(env: Environment, portal: string): string {
  const name = portal.replace('://', '_').replace(/[^A-Za-z0-9.-]/g, '_');
  return join(base(env, 'XDG_STATE_HOME', join('.local', 'state')), 'sallyport', name);
}

/** Null where there is none, or none that can be understood: then it is made anew. */
export function readJson<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return null;
    throw new Failure(`${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

export function writeJson(path: string, value: unknown): void {
  privateFolder(dirname(path));
  replaceFile(path, `${JSON.stringify(value, null, 2)}\n`, 0o600);
}

/** 0700, also where it was open before. */
export function privateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
  } catch (error) {
    throw new Failure(`${path} cannot be made: ${(error as Error).message}.`, { cause: error });
  }
}

/** None where there is no such folder. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Whole or not at all: a reader finds the old or the new. A link stays one. */
export function replaceFile(path: string, text: string, mode: number): void {
  let target = path;
  try {
    target = realpathSync(path);
  } catch {
    // There is none yet.
  }
  const scratch = `${target}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(scratch, text, { mode, flag: 'wx' });
    renameSync(scratch, target);
  } catch (error) {
    rmSync(scratch, { force: true });
    throw new Failure(`${path} cannot be written: ${(error as Error).message}.`, { cause: error });
  }
}
