/** Starts and stops the development OpenID provider of a folder. */
import { join } from 'node:path';
import { instanceAt } from '../machine/instance.ts';
import { removeFolder } from '../machine/mounts.ts';
import { portIsFree } from '../machine/ports.ts';
import { findProcesses, lastLines, startProcess, stopProcesses } from '../machine/processes.ts';
import { GivenUp, until } from '../machine/until.ts';
import { issuerOf, providerState } from './people.ts';
import type { Demonstrator } from './people.ts';

export type IdentityProvider = { issuer: string; clientId: string; clientSecret: string; people: Demonstrator[] };

/**
 * Its port and everybody's password stay what they were at the folder's first start. It runs until it is stopped, with
 * `endsWithUs` until this process ends at the latest.
 */
export async function startIdentityProvider(
  folder: string,
  { endsWithUs = false }: { endsWithUs?: boolean } = {},
): Promise<IdentityProvider> {
  const instance = instanceAt(folder);
  const state = await providerState(instance);
  const issuer = issuerOf(state);
  const log = instance.log('idp');
  const runs = (): boolean => findProcesses(instance.folder, 'idp').length > 0;
  await until(async () => runs() || (await portIsFree(state.port)), {
    within: 5_000,
    what: `port ${state.port} for the demo identity provider, which another program has: its end`,
  });
  const main = join(import.meta.dirname, 'main.ts');
  const args = [main, instance.folder];
  startProcess(instance.folder, 'idp', { command: process.execPath, args, log, endsWithUs });
  await until(
    async () => {
      if (!runs()) throw new GivenUp(`the identity provider ended at its start:\n${lastLines(log)}`);
      return (await fetch(`${issuer}/.well-known/openid-configuration`)).ok;
    },
    { within: 20_000, what: () => `the identity provider's answer (${lastLines(log)})` },
  );
  return { issuer, clientId: state.clientId, clientSecret: state.clientSecret, people: state.people };
}

export async function stopIdentityProvider(folder: string, { remove }: { remove: boolean }): Promise<void> {
  const instance = instanceAt(folder);
  await stopProcesses(instance.folder, 'idp', 3_000);
  if (remove) await removeFolder(instance.folder);
}
