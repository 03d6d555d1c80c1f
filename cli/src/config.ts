/** Which portal is meant, and by which authority its certificate is verified: config.json holds no secret. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Failure, misused } from './failure.ts';
import { configFile, readJson, writeJson, type Environment } from './folders.ts';
import { portalOrigin } from './portal-address.ts';

type Config = {
  /** The one that commands are for where --portal does not say. */
  portal?: string;
  /** Files with a private authority, by portal. */
  authorities?: Record<string, string>;
};

/** Throws Failure where none is named. */
export function whichPortal(env: Environment, given: string | undefined): string {
  const portal = given ?? readJson<Config>(configFile(env))?.portal;
  if (portal === undefined)
    throw misused('Which portal? Name it once: sallyport login --portal https://portal.example.com');
  return portalOrigin(portal);
}

/** PEM, or null for what Node trusts. `given` wins over SALLYPORT_CA, that over what was said at the login. */
export function authorityOf(env: Environment, portal: string, given?: string): string | null {
  const file = given ?? (env['SALLYPORT_CA'] || readJson<Config>(configFile(env))?.authorities?.[portal]);
  if (!file) return null;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(`The certificate authority ${file} cannot be read: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new Failure(`${file} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----).`);
  return text;
}

export function rememberPortal(env: Environment, portal: string, authority: string | undefined): void {
  const file = configFile(env);
  const before = readJson<Config>(file) ?? {};
  const authorities = { ...before.authorities, ...(authority ? { [portal]: resolve(authority) } : {}) };
  writeJson(file, { ...before, portal, authorities } satisfies Config);
}
