/** The sign-in at a portal: its token, in a file for its person alone. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn, readJson, stateFolder, writeJson, type Environment } from './folders.ts';
import { signInOver } from './portal.ts';

export type SignIn = { token: string; expiresAt: string };

const fileOf = (env: Environment, portal: string) => join(stateFolder(env, portal), 'sign-in.json');

export function savedSignIn(env: Environment, portal: string): SignIn | null {
  return readJson<SignIn>(fileOf(env, portal));
}

/** Throws Failure where there is none, or its time is over. */
export function currentSignIn(env: Environment, portal: string): SignIn {
  const found = savedSignIn(env, portal);
  if (!found || !(Date.parse(found.expiresAt) > Date.now())) throw signInOver(portal);
  return found;
}

/** The credentials that an earlier sign-in got end with it, so they go first. */
export function saveSignIn(env: Environment, portal: string, signIn: SignIn): void {
  forgetPortal(env, portal);
  writeJson(fileOf(env, portal), signIn);
}

/** The sign-in, and the credentials that were got with it. Locks are their holders'. */
export function forgetPortal(env: Environment, portal: string): void {
  const folder = stateFolder(env, portal);
  for (const name of namesIn(folder)) if (name.endsWith('.json')) rmSync(join(folder, name), { force: true });
}
