/** The portal's own account on a cluster, as a manifest to read and to apply. */
import { stringify } from 'yaml';
import type { ActAs } from '../domain/impersonation.ts';
import { clusterRules, namespaceRules } from './permissions.ts';

/** The portal's ServiceAccount, in its namespace. */
export const PORTAL_ACCOUNT = 'sallyport-portal';

/** On the portal's ServiceAccount, followed by a portal's id: it is in use by that portal. */
export const USER_ANNOTATION = 'portal.sallyport.dev/';
/** On a namespace that was there before Sallyport, and stays when it goes. */
export const FOUND_ANNOTATION = 'sallyport.dev/found';

const RBAC = 'rbac.authorization.k8s.io/v1';

/** `clusterRoles`: those of the role table, which the portal may bind and no others. */
export function manifestObjects(namespace: string, clusterRoles: readonly string[], actAs: ActAs): object[] {
  const clusterName = clusterWideName(namespace);
  const labels = { 'app.kubernetes.io/name': 'sallyport', 'app.kubernetes.io/managed-by': 'sallyport' };
  const subjects = [{ kind: 'ServiceAccount', name: PORTAL_ACCOUNT, namespace }];
  const roleRef = (kind: string, name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name });
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      // Nothing runs here: a pod could use the account of somebody's session.
      metadata: { name: namespace, labels: { ...labels, 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
    {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'no-pods', namespace, labels },
      spec: { hard: { pods: '0' } },
    },
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: PORTAL_ACCOUNT, namespace, labels },
      automountServiceAccountToken: false,
    },
    { apiVersion: RBAC, kind: 'Role', metadata: { name: 'sallyport', namespace, labels }, rules: namespaceRules() },
    {
      apiVersion: RBAC,
      kind: 'RoleBinding',
      metadata: { name: 'sallyport', namespace, labels },
      roleRef: roleRef('Role', 'sallyport'),
      subjects,
    },
    {
      apiVersion: RBAC,
      kind: 'ClusterRole',
      metadata: { name: clusterName, labels },
      rules: clusterRules(clusterRoles, actAs),
    },
    {
      apiVersion: RBAC,
      kind: 'ClusterRoleBinding',
      metadata: { name: clusterName, labels },
      roleRef: roleRef('ClusterRole', clusterName),
      subjects,
    },
  ];
}

/** Cluster-wide names carry the namespace: two portals on one cluster do not share a role. */
export function clusterWideName(namespace: string): string {
  return `sallyport:${namespace}`;
}

/** YAML, with how to use it on top. */
export function manifest(namespace: string, clusterRoles: readonly string[], actAs: ActAs): string {
  const head =
    `# The account that Sallyport acts with on this cluster, and all that it may do.\n` +
    `# It makes and removes accounts for sessions in the namespace ${namespace}, and binds them to these ClusterRoles only:\n` +
    `# ${clusterRoles.length > 0 ? [...new Set(clusterRoles)].sort().join(', ') : '(none yet)'}\n` +
    (actAs === 'impersonation'
      ? '# It acts as people by impersonation: whoever has its token is everybody. Bind ClusterRoles to their groups yourself.\n'
      : '') +
    `#   kubectl apply -f this-file\n` +
    `#   kubectl -n ${namespace} create token ${PORTAL_ACCOUNT} --duration=8760h   # the token to register the cluster with\n`;
  return (
    head +
    manifestObjects(namespace, clusterRoles, actAs)
      .map((object) => `---\n${stringify(object)}`)
      .join('')
  );
}
