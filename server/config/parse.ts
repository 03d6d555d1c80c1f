/** Strings of the environment into values that cannot be wrong. Each throws ConfigError naming its variable. */
import { addressRanges } from '../address-ranges.ts';
import { ConfigError, type Env } from './env.ts';
import type { VariableName } from './variables.ts';

export function text(env: Env, name: VariableName): string | undefined;
export function text(env: Env, name: VariableName, fallback: string): string;
export function text(env: Env, name: VariableName, fallback?: string): string | undefined {
  return env[name] ?? fallback;
}

/** Needed because of another setting, which the sentence names. */
export function needed(env: Env, name: VariableName, because: string): string {
  const value = env[name];
  if (value === undefined) throw new ConfigError(name, `must be set because ${because}`);
  return value;
}

export function integer(env: Env, name: VariableName, fallback: number, least: number, most: number): number {
  const value = env[name];
  if (value === undefined) return fallback;
  const parsed = /^\d{1,9}$/.test(value) ? Number(value) : NaN;
  if (!(parsed >= least && parsed <= most))
    throw new ConfigError(name, `"${value}" is no whole number from ${least} to ${most}`);
  return parsed;
}

export function decimal(env: Env, name: VariableName, fallback: number, least: number, most: number): number {
  const value = env[name];
  if (value === undefined) return fallback;
  const parsed = /^\d{1,6}(\.\d{1,6})?$/.test(value) ? Number(value) : NaN;
  if (!(parsed >= least && parsed <= most))
    throw new ConfigError(name, `"${value}" is no number from ${least} to ${most}`);
  return parsed;
}

export function port(env: Env, name: VariableName, fallback: number): number {
  return integer(env, name, fallback, 0, 65_535);
}

export function onOff(env: Env, name: VariableName, fallback: boolean): boolean {
  return oneOf(env, name, ['on', 'off'], fallback ? 'on' : 'off') === 'on';
}

export function oneOf<const T extends string>(env: Env, name: VariableName, values: readonly T[], fallback: T): T {
  const value = env[name];
  if (value === undefined) return fallback;
  const found = values.find((candidate) => candidate === value);
  if (!found) throw new ConfigError(name, `"${value}" is none of ${values.join(', ')}`);
  return found;
}

/** Separated by commas; blanks around items do not count, empty items neither. */
export function list(env: Env, name: VariableName, fallback: string[] = []): string[] {
  const value = env[name];
  if (value === undefined) return fallback;
  return value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}

export function cidrs(env: Env, name: VariableName, fallback: string[] = []): string[] {
  const items = list(env, name, fallback);
  try {
    addressRanges(items);
  } catch (error) {
    throw new ConfigError(name, (error as Error).message);
  }
  return items;
}

/** All, none, or those in the CIDRs. */
export function onOffOrCidrs(env: Env, name: VariableName, fallback: boolean): boolean | readonly string[] {
  const value = env[name];
  return value === undefined || value === 'on' || value === 'off' ? onOff(env, name, fallback) : cidrs(env, name);
}

/** http or https; without credentials, query or fragment; without a slash at the end. */
export function url(env: Env, name: VariableName): string | undefined;
export function url(env: Env, name: VariableName, fallback: string): string;
export function url(env: Env, name: VariableName, fallback?: string): string | undefined {
  const value = env[name];
  if (value === undefined) return fallback;
  const parsed = URL.parse(value);
  if (!parsed || !/^https?:$/.test(parsed.protocol)) throw new ConfigError(name, `"${value}" is no http or https URL`);
  if (parsed.username || parsed.password) throw new ConfigError(name, 'may hold no user or password');
  if (parsed.search || parsed.hash) throw new ConfigError(name, `"${value}" may have no query and no fragment`);
  return value.replace(/\/+$/, '');
}

/** A URL without a path. */
export function origin(env: Env, name: VariableName): string | undefined {
  const value = url(env, name);
  if (value === undefined) return undefined;
  const parsed = new URL(value);
  if (parsed.pathname !== '/') throw new ConfigError(name, `"${value}" must be without a path`);
  return parsed.origin;
}
