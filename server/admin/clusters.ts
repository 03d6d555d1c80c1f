/** `cluster add`: the operator's own kubeconfig, used once to install the portal's account on a cluster. */
import { userInfo } from 'node:os';
import type { Db } from '../../db/client.ts';
import { listRoles } from '../../db/queries/roles.ts';
import { seedRoles } from '../access/roles.ts';
import { directAudit } from '../audit/direct.ts';
import type { Config } from '../config/config.ts';
import { loadSecrets } from '../config/secrets.ts';
import { Sealer } from '../crypto/sealing.ts';
import { Problem } from '../domain/problem.ts';
import { installPortalAccount } from '../kube/install.ts';
import { ClusterRegistry } from '../kube/registry.ts';

/** RFC 1123 label. */
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const NAMESPACE = 'sallyport';

type Opened = { config: Config; db: Db; values: Record<string, string | undefined> };

/** Registers, or renews what is registered under the name. Throws the Problems of install.ts and the registry. */
export async function addCluster({ config, db, values }: Opened): Promise<unknown> {
  const name = nameFrom(values['name']!);
  const namespace = values['namespace'] ?? NAMESPACE;
  if (!LABEL.test(namespace)) throw new Problem('invalid-namespace', 400, `"${namespace}" is no name of a namespace.`);
  const now = () => new Date();
  const { adminGroups } = config.signIn;
  const seed = { adminGroups, developerNamespaces: config.developerNamespaces, defaults: config.sessionDefaults };
  await seedRoles(db, seed, now());
  const clusterRoles = async () => [...new Set((await listRoles(db)).flatMap((role) => role.clusterRoles))];
  const { address, token } = await installPortalAccount({
    kubeconfig: values['kubeconfig']!,
    context: values['context'],
    namespace,
    clusterRoles: await clusterRoles(),
  });
  await using registry = new ClusterRegistry({
    db,
    // A command lives for a moment: it keeps nothing that a notification would have to change.
    notifications: { on: () => () => {}, onReset: () => () => {} },
    sealer: new Sealer(loadSecrets(config).masterKeys),
    audit: directAudit(db),
    addresses: { allowPrivate: config.clusters.allowPrivate },
    clusterRoles,
    now,
  });
  const by = { actorId: null, actor: `${userInfo().username} (command on the server)` };
  const production = values['production'] !== undefined;
  const cluster = await registry.install({ name, production, namespace }, address, token, by);
  return { id: cluster.id, name: cluster.name, server: cluster.server, namespace };
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
