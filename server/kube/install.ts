/**
 * The operator's own kubeconfig, used once: kubectl reads it (exec plugins of EKS, GKE and AKS included), applies the
 * portal's manifest and fetches the first token of the portal's account. Nothing of the operator's is kept.
 */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { Problem } from '../domain/problem.ts';
import type { ClusterAddress } from './connection.ts';
import { parseAuthorities, parseServer } from './kubeconfig.ts';
import { manifestObjects, PORTAL_ACCOUNT } from './manifest.ts';

export type InstallOptions = {
  /** Program to run; default: `kubectl` in PATH. */
  kubectl?: string;
  kubeconfig: string;
  context?: string | undefined;
  namespace: string;
  /** Those of the role table. */
  clusterRoles: readonly string[];
};

export type Installed = { address: ClusterAddress; token: { token: string; expiresAt: Date } };

/** Two weeks: the portal renews it at half of that, so that it may rest a week. Clusters may grant less. */
const TOKEN_DURATION = '336h';
/** An exec plugin may sign in first. */
const KUBECTL_MS = 120_000;

/** Doing it again changes nothing but the token. Throws Problem `kubectl-failed`, `kubectl-missing` or those of a kubeconfig. */
export async function installPortalAccount(options: InstallOptions): Promise<Installed> {
  const config = JSON.parse(
    await kubectl(options, ['config', 'view', '--minify', '--flatten', '--raw', '-o', 'json']),
  ) as { clusters?: { cluster: Record<string, string | boolean | undefined> }[] };
  const cluster = config.clusters?.[0]?.cluster ?? {};
  const address = addressOf(cluster);
  const list = {
    apiVersion: 'v1',
    kind: 'List',
    items: manifestObjects(options.namespace, options.clusterRoles),
  };
  const apply = ['apply', '--server-side', '--force-conflicts', '--field-manager=sallyport', '-f', '-'];
  await kubectl(options, apply, JSON.stringify(list));
  const request = ['-n', options.namespace, 'create', 'token', PORTAL_ACCOUNT, `--duration=${TOKEN_DURATION}`];
  const { status } = JSON.parse(await kubectl(options, [...request, '-o', 'json'])) as {
    status: { token: string; expirationTimestamp: string };
  };
  return { address, token: { token: status.token, expiresAt: new Date(status.expirationTimestamp) } };
}

function addressOf(cluster: Record<string, string | boolean | undefined>): ClusterAddress {
  for (const field of ['insecure-skip-tls-verify', 'proxy-url'])
    if (cluster[field])
      throw new Problem('kubeconfig-refused', 422, `The kubeconfig uses ${field}, which the portal does not.`, {
        meta: { field },
      });
  const ca = cluster['certificate-authority-data'];
  const name = cluster['tls-server-name'];
  return {
    server: parseServer(String(cluster['server'] ?? '')),
    ca: parseAuthorities(typeof ca === 'string' ? Buffer.from(ca, 'base64').toString() : ''),
    tlsServerName: typeof name === 'string' && name !== '' ? name : null,
  };
}

async function kubectl(options: InstallOptions, args: string[], input = ''): Promise<string> {
  const context = options.context ? ['--context', options.context] : [];
  const program = options.kubectl ?? 'kubectl';
  const child = spawn(program, ['--kubeconfig', options.kubeconfig, ...context, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: KUBECTL_MS,
  });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  try {
    const [out, err, status] = await Promise.race([
      Promise.all([text(child.stdout), text(child.stderr), code]),
      failed,
    ]);
    if (status === 0) return out;
    throw new Problem('kubectl-failed', 502, `kubectl ${args[0]} failed: ${err.trim().slice(0, 2_000)}`, {
      next: 'Check that kubectl works with this kubeconfig and context, and that you may make namespaces and ClusterRoles.',
    });
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem('kubectl-missing', 500, `kubectl could not be run: ${(cause as Error).message}`, {
      next: 'Install kubectl, or register the cluster by address and token.',
      cause,
    });
  }
}
