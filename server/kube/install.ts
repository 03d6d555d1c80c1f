/**
 * The operator's own kubeconfig, used once: kubectl reads it (exec plugins of EKS, GKE and AKS included), applies the
 * portal's manifest and fetches the first token of the portal's account. Nothing of the operator's is kept.
 */
import type { ActAs } from '../domain/impersonation.ts';
import { Problem } from '../domain/problem.ts';
import type { ClusterAddress } from './connection.ts';
import { parseAuthorities, parseServer } from './kubeconfig.ts';
import { kubectl, type OperatorsKubectl } from './kubectl.ts';
import { FOUND_ANNOTATION, manifestObjects, PORTAL_ACCOUNT, USER_ANNOTATION } from './manifest.ts';

export type InstallOptions = OperatorsKubectl & {
  namespace: string;
  /** Marks the account as this portal's too: several may share it. */
  portalId: string;
  /** Those of the role table. */
  clusterRoles: readonly string[];
  actAs: ActAs;
};

export type Installed = { address: ClusterAddress; token: { token: string; expiresAt: Date } };

/** Two weeks: the portal renews it at half of that, so that it may rest a week. Clusters may grant less. */
const TOKEN_DURATION = '336h';

/** Doing it again changes nothing but the token. Throws Problem `kubectl-failed`, `kubectl-missing` or those of a kubeconfig. */
export async function installPortalAccount(options: InstallOptions): Promise<Installed> {
  const { namespace } = options;
  const address = await clusterAddress(options);
  const found = await kubectl(options, ['get', 'namespace', namespace, '--ignore-not-found', '-o', 'json']);
  const list = {
    apiVersion: 'v1',
    kind: 'List',
    items: manifestObjects(namespace, options.clusterRoles, options.actAs),
  };
  const apply = ['apply', '--server-side', '--force-conflicts', '--field-manager=sallyport', '-f', '-'];
  await kubectl(options, apply, JSON.stringify(list));
  if (found !== '' && !isOurs(found))
    await kubectl(options, ['annotate', '--overwrite', 'namespace', namespace, `${FOUND_ANNOTATION}=true`]);
  const mark = `${USER_ANNOTATION}${options.portalId}=in-use`;
  await kubectl(options, ['-n', namespace, 'annotate', '--overwrite', 'serviceaccount', PORTAL_ACCOUNT, mark]);
  const request = ['-n', namespace, 'create', 'token', PORTAL_ACCOUNT, `--duration=${TOKEN_DURATION}`];
  const { status } = JSON.parse(await kubectl(options, [...request, '-o', 'json'])) as {
    status: { token: string; expirationTimestamp: string };
  };
  return { address, token: { token: status.token, expiresAt: new Date(status.expirationTimestamp) } };
}

/** The address in the operator's kubeconfig. Throws as {@link installPortalAccount}. */
export async function clusterAddress(options: OperatorsKubectl): Promise<ClusterAddress> {
  const config = JSON.parse(
    await kubectl(options, ['config', 'view', '--minify', '--flatten', '--raw', '-o', 'json']),
  ) as { clusters?: { cluster: Record<string, string | boolean | undefined> }[] };
  return addressOf(config.clusters?.[0]?.cluster ?? {});
}

function isOurs(namespace: string): boolean {
  const { metadata } = JSON.parse(namespace) as { metadata: { labels?: Record<string, string> } };
  return metadata.labels?.['app.kubernetes.io/managed-by'] === 'sallyport';
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
