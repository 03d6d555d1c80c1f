/** The kubeconfig and its token, in the sandbox's memory only. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Credential } from '../../protocol/frames.ts';
import type { HostOptions } from './options.ts';

/** Put in place at once and whole: a client that reads it meanwhile sees the old token or the new one. */
export function writeCredential(options: HostOptions, credential: Credential): void {
  const temporary = `${options.tokenFile}.new`;
  writeFileSync(temporary, credential.token, { mode: 0o600 });
  renameSync(temporary, options.tokenFile);
}

/** The person may change it (`kubectl config set-context --namespace`); a renewal touches only the token. */
export function writeKubeconfig(options: HostOptions, kubeconfig: string): void {
  const file = kubeconfigFile(options);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, kubeconfig, { mode: 0o600 });
}

export function kubeconfigFile(options: HostOptions): string {
  return join(options.home, '.kube', 'config');
}
