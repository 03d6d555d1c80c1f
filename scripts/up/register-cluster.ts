/**
 * Registers a cluster with the operator's own kubeconfig, whatever proof that uses (exec plugins of EKS, GKE and AKS,
 * too): kubectl installs the portal's account with it, once, and the portal is given that account's token and no other.
 */
import { join } from 'node:path';
import { kubectlBinaries } from '../../e2e/cluster/kubectl.ts';
import { run } from '../../e2e/machine/run.ts';
import { UsageError } from './options.ts';

export type ClusterAccess = { kubeconfig: string; context: string | undefined };

/** The portal's namespace on the cluster, and its account there; as in the portal's manifest. */
const NAMESPACE = 'sallyport';
const ACCOUNT = 'sallyport-portal';

/** Contexts may be called anything; the portal's names for clusters are DNS labels. */
export function clusterName(context: string): string {
  const name = context
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(-40)
    .replace(/^-+|-+$/g, '');
  return name || 'cluster';
}

type View = {
  clusters: {
    cluster: { server: string; 'certificate-authority-data'?: string; 'tls-server-name'?: string };
  }[];
  'current-context': string;
};

type Kubectl = (args: string[], input?: string) => Promise<string>;

async function kubectlFor({ kubeconfig, context }: ClusterAccess): Promise<Kubectl> {
  const program = join(await kubectlBinaries(), 'kubectl');
  const which = [`--kubeconfig=${kubeconfig}`, ...(context ? [`--context=${context}`] : [])];
  return (args, input) => run(program, [...which, ...args], input === undefined ? {} : { input });
}

async function view(kubectl: Kubectl, context: string | undefined): Promise<View> {
  const text = await kubectl(['config', 'view', '--raw', '--minify', '--flatten', '--output=json']);
  const config = JSON.parse(text) as View;
  if (!config.clusters?.[0]?.cluster.server)
    throw new UsageError(`--kubeconfig names no cluster${context ? ` in the context ${context}` : ''}`);
  return config;
}

/** Calls the portal as the demo's administrator. Throws with the portal's own words. */
async function ask(url: string, apiToken: string, path: string, body?: object): Promise<string> {
  const answer = await fetch(`${url}/api/v1${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${apiToken}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (answer.ok) return text;
  let problem: { detail?: string; next?: string } = {};
  try {
    problem = JSON.parse(text) as typeof problem;
  } catch {
    // not the portal's own answer
  }
  throw new Error([problem.detail ?? `${path} answered ${answer.status}`, problem.next].filter(Boolean).join(' '));
}

type Registered = { items: { name: string; server: string }[] };

/**
 * Installs or updates the portal's account, and registers the cluster where the portal does not know it. `name`: how
 * the portal calls it; by default after the context.
 */
export async function registerCluster(
  portal: { url: string; apiToken: string },
  access: ClusterAccess,
  name: string | undefined,
  say: (line: string) => void,
): Promise<void> {
  const kubectl = await kubectlFor(access);
  const config = await view(kubectl, access.context);
  const { cluster } = config.clusters[0]!;
  const called = name ?? clusterName(config['current-context']);
  const { items } = JSON.parse(await ask(portal.url, portal.apiToken, '/clusters')) as Registered;
  const known = items.find((one) => one.name === called);
  if (known && new URL(known.server).href !== new URL(cluster.server).href)
    throw new UsageError(`the portal knows another cluster as ${called} (${known.server}); remove that one first`);
  // Each time: a role that came since may bind to a ClusterRole that the account may not give yet.
  await kubectl(
    ['apply', '-f', '-'],
    await ask(portal.url, portal.apiToken, `/clusters/manifest?namespace=${NAMESPACE}`),
  );
  if (known) return;
  say(`Cluster: registering ${called}`);
  const token = await kubectl(['create', 'token', ACCOUNT, `--namespace=${NAMESPACE}`]);
  await ask(portal.url, portal.apiToken, '/clusters', {
    name: called,
    namespace: NAMESPACE,
    connection: {
      kind: 'token',
      server: cluster.server,
      ca: Buffer.from(cluster['certificate-authority-data'] ?? '', 'base64').toString(),
      token: token.trim(),
      ...(cluster['tls-server-name'] && { tlsServerName: cluster['tls-server-name'] }),
    },
  });
}
