/**
 * Leaving a cluster: what sessions and the portal itself put there goes, with the operator's kubeconfig all of it, with
 * the portal's own account as far as that may: its last act is to remove itself, so that no credential outlives the
 * portal. What is left is said, with the commands that remove it.
 */
import { Problem } from '../domain/problem.ts';
import { PORTAL_LABEL, SESSION_LABEL, type SessionAccounts } from './accounts.ts';
import type { KubeClient } from './client.ts';
import { kubectl, type OperatorsKubectl } from './kubectl.ts';
import { clusterWideName, FOUND_ANNOTATION, PORTAL_ACCOUNT, USER_ANNOTATION } from './manifest.ts';

export type Left = {
  removed: string[];
  /** What is still there, in words. */
  left: string[];
  /** What an administrator of the cluster runs to remove that. */
  commands: string[];
};

type Place = { namespace: string; portalId: string };
type Meta = { metadata: { annotations?: Record<string, string> } };

const KINDS = 'serviceaccounts,rolebindings,clusterrolebindings';
/** Of the namespace's own objects. */
const NAMESPACE_WAIT = '--timeout=60s';

/** All of it. Throws Problem `kubectl-failed` or `kubectl-missing`; doing it again changes nothing. */
export async function uninstallAsOperator(options: OperatorsKubectl & Place): Promise<Left> {
  const { namespace, portalId } = options;
  const ask = (...args: string[]) => kubectl(options, args);
  await ask('delete', KINDS, '--all-namespaces', selector(portalId), '--ignore-not-found');
  const removed = ['accounts and bindings of sessions'];
  const account = await ask(
    '-n',
    namespace,
    'get',
    'serviceaccount',
    PORTAL_ACCOUNT,
    '--ignore-not-found',
    '-o',
    'json',
  );
  const others = account === '' ? 0 : otherPortals(JSON.parse(account) as Meta, portalId);
  if (others > 0) {
    await ask('-n', namespace, 'annotate', 'serviceaccount', PORTAL_ACCOUNT, `${USER_ANNOTATION}${portalId}-`);
    return { removed, left: [shared(namespace, others)], commands: [] };
  }
  const name = clusterWideName(namespace);
  await ask('delete', 'clusterrolebinding,clusterrole', name, '--ignore-not-found');
  removed.push(`ClusterRole and ClusterRoleBinding ${name}`);
  const found = await ask('get', 'namespace', namespace, '--ignore-not-found', '-o', 'json');
  if (found !== '' && (JSON.parse(found) as Meta).metadata.annotations?.[FOUND_ANNOTATION]) {
    for (const one of [
      ['rolebinding,role', 'sallyport'],
      ['resourcequota', 'no-pods'],
      ['serviceaccount', PORTAL_ACCOUNT],
    ] as const)
      await ask('-n', namespace, 'delete', ...one, '--ignore-not-found');
    removed.push(`account ${PORTAL_ACCOUNT} with its role`);
    return { removed, left: [`namespace ${namespace}, which was there before`], commands: [] };
  }
  await ask('delete', 'namespace', namespace, '--ignore-not-found', NAMESPACE_WAIT);
  removed.push(`namespace ${namespace} with the account ${PORTAL_ACCOUNT}`);
  return { removed, left: [], commands: [] };
}

/**
 * As far as the portal's own account may. `managed`: the account is the one that install.ts made; another one is the
 * operator's own, and stays. Throws the Problems of KubeClient.json.
 */
export async function uninstallAsPortal(
  place: Place & { clusterId: string; managed: boolean },
  client: KubeClient,
  accounts: SessionAccounts,
): Promise<Left> {
  const { namespace, portalId, clusterId } = place;
  for (const { sessionId } of await accounts.list(clusterId)) await accounts.remove(clusterId, sessionId);
  const removed = ['accounts and bindings of sessions'];
  if (!place.managed)
    return {
      removed,
      left: [`the account that the cluster was registered with, and the namespace ${namespace}`],
      commands: portalCommands(namespace),
    };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${PORTAL_ACCOUNT}`;
  const others = otherPortals(await client.json<Meta>({ method: 'GET', path }), portalId);
  if (others > 0) return { removed, left: [shared(namespace, others)], commands: [] };
  const name = clusterWideName(namespace);
  // First what is removed by the rights that it gives, then the account that has them: its tokens end with it.
  const binding = `/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/${encodeURIComponent(name)}`;
  await client.json({ method: 'DELETE', path: binding }, [404]);
  await client.json({ method: 'DELETE', path });
  removed.push(
    `account ${PORTAL_ACCOUNT} and its ClusterRoleBinding ${name}: no credential of the portal works any more`,
  );
  return { removed, left: [`namespace ${namespace}, ClusterRole ${name}`], commands: portalCommands(namespace) };
}

/** Where nothing could be removed. */
export function allLeft({ namespace, portalId }: Place): Pick<Left, 'left' | 'commands'> {
  return {
    left: ['accounts and bindings of sessions', `namespace ${namespace} with the account ${PORTAL_ACCOUNT}`],
    commands: [`kubectl delete ${KINDS} --all-namespaces ${selector(portalId)}`, ...portalCommands(namespace)],
  };
}

function portalCommands(namespace: string): string[] {
  return [
    `kubectl delete clusterrolebinding,clusterrole ${clusterWideName(namespace)} --ignore-not-found`,
    `kubectl delete namespace ${namespace}`,
  ];
}

function selector(portalId: string): string {
  return `--selector=${PORTAL_LABEL}=${portalId},${SESSION_LABEL}`;
}

function otherPortals({ metadata }: Meta, portalId: string): number {
  const users = Object.keys(metadata.annotations ?? {}).filter((key) => key.startsWith(USER_ANNOTATION));
  return users.filter((key) => key !== `${USER_ANNOTATION}${portalId}`).length;
}

function shared(namespace: string, others: number): string {
  return `account ${PORTAL_ACCOUNT} in namespace ${namespace}, which ${others} other portal(s) use`;
}

/** For a kubeconfig that leads elsewhere. */
export function noSuchCluster(server: string): Problem {
  return new Problem('cluster-unknown', 404, `The kubeconfig leads to ${server}, where no registered cluster is.`, {
    next: 'Name the right kubeconfig, or the right one of its contexts.',
  });
}
