/** `cluster add` and `clusters leave`: the portal's account comes to a cluster, and goes. */
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import type { Db } from '../../db/client.ts';
import { findClusterNamed } from '../../db/queries/clusters.ts';
import { listRoles } from '../../db/queries/roles.ts';
import { settleSetting } from '../../db/queries/settings.ts';
import { seedRoles } from '../access/roles.ts';
import { directAudit } from '../audit/direct.ts';
import type { Config } from '../config/config.ts';
import { openDataDir } from '../config/data-dir.ts';
import { loadSecrets } from '../config/secrets.ts';
import { Sealer } from '../crypto/sealing.ts';
import type { ActAs } from '../domain/impersonation.ts';
import { Problem } from '../domain/problem.ts';
import { redactText } from '../domain/redaction.ts';
import { SessionAccounts } from '../kube/accounts.ts';
import { clusterAddress, installPortalAccount } from '../kube/install.ts';
import { ClusterRegistry } from '../kube/registry.ts';
import { allLeft, noSuchCluster, uninstallAsOperator, uninstallAsPortal } from '../kube/uninstall.ts';
import type { Announce } from './announcing.ts';

/** RFC 1123 label. */
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const NAMESPACE = 'sallyport';

type Opened = { config: Config; db: Db; values: Record<string, string | undefined>; announce: Announce };

/** Registers, or renews what is registered under the name. Throws the Problems of install.ts and the registry. */
export async function addCluster({ config, db, values, announce }: Opened): Promise<object> {
  const name = nameFrom(values['name']!);
  const namespace = values['namespace'] ?? NAMESPACE;
  if (!LABEL.test(namespace)) throw new Problem('invalid-namespace', 400, `"${namespace}" is no name of a namespace.`);
  const now = () => new Date();
  const { adminGroups } = config.signIn;
  const seed = { adminGroups, developerNamespaces: config.developerNamespaces, defaults: config.sessionDefaults };
  await seedRoles(db, seed, now());
  const clusterRoles = async () => [...new Set((await listRoles(db)).flatMap((role) => role.clusterRoles))];
  // Added again, it stays as it was chosen.
  const before = (await findClusterNamed(db, name))?.actAs as ActAs | undefined;
  const actAs = values['impersonate'] === undefined ? (before ?? 'account') : 'impersonation';
  const { address, token } = await installPortalAccount({
    kubeconfig: values['kubeconfig']!,
    context: values['context'],
    namespace,
    clusterRoles: await clusterRoles(),
    actAs,
    portalId: await settlePortalId(db),
  });
  await using registry = openRegistry({ config, db, announce }, clusterRoles);
  const by = actor();
  const production = values['production'] !== undefined;
  const cluster = await registry.install({ name, production, namespace, actAs }, address, token, by);
  return { id: cluster.id, name: cluster.name, server: cluster.server, namespace };
}

/**
 * Removes from every registered cluster what this portal put there, with the operator's kubeconfig where one leads to
 * that cluster, else with the portal's own account; the clusters are no longer registered then. One that cannot be
 * reached stays, and is said with what went wrong. The portal must not run.
 */
export async function leaveClusters({ config, db, values, announce }: Opened): Promise<object> {
  using _lock = openDataDir(config.dataDir);
  await using registry = openRegistry({ config, db, announce }, async () => []);
  const portalId = await settlePortalId(db);
  const accounts = new SessionAccounts({
    portalId,
    async cluster(id) {
      const { namespace, actAs } = await registry.connection(id);
      return { client: await registry.client(id), namespace, actAs };
    },
    now: () => new Date(),
  });
  const { kubeconfig, context, except } = values;
  const operators = kubeconfig === undefined ? undefined : { kubeconfig, context };
  const server = operators && (await clusterAddress(operators)).server;
  const known = (await registry.list()).filter(({ name }) => name !== except);
  if (server !== undefined && !known.some((one) => one.server === server)) throw noSuchCluster(server);
  const clusters: unknown[] = [];
  for (const { id, name, server: at, namespace, managed } of known) {
    const place = { namespace, portalId };
    try {
      const left =
        operators && at === server
          ? await uninstallAsOperator({ ...operators, ...place })
          : await uninstallAsPortal({ ...place, clusterId: id, managed }, await registry.client(id), accounts);
      await registry.remove(id, actor());
      clusters.push({ name, server: at, ...left });
    } catch (error) {
      clusters.push({
        name,
        server: at,
        failed: redactText(error instanceof Error ? error.message : String(error)),
        removed: [],
        ...allLeft(place),
      });
    }
  }
  return { clusters };
}

function settlePortalId(db: Db): Promise<string> {
  return settleSetting(db, 'portal-id', randomUUID());
}

function actor(): { actorId: null; actor: string } {
  return { actorId: null, actor: `${userInfo().username} (command on the server)` };
}

function openRegistry(
  { config, db, announce }: Omit<Opened, 'values'>,
  clusterRoles: () => Promise<string[]>,
): ClusterRegistry {
  return new ClusterRegistry({
    db,
    // A command lives for a moment: it keeps nothing that a notification would have to change.
    notifications: { on: () => () => {}, onReset: () => () => {}, announce },
    sealer: new Sealer(loadSecrets(config).masterKeys),
    audit: directAudit(db),
    addresses: { allowPrivate: config.clusters.allowPrivate },
    clusterRoles,
    now: () => new Date(),
  });
}

/** Contexts are named by ARNs and the like: what a URL and a prompt take is made of them. */
function nameFrom(given: string): string {
  const name = given
    .toLowerCase()
    .replace(/^.*\//, '')
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  if (!LABEL.test(name)) throw new Problem('invalid-name', 400, `No cluster's name can be made of "${given}".`);
  return name;
}
