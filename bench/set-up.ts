/** What one run of the bench starts: a real cluster and engine, the product twice, the peers. All gone at its end. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopParts, testCluster, testEngine } from '../e2e/use.ts';
import type { Role } from '../server/http/schemas.ts';
import { openShell, type Bench } from './context.ts';
import { peersLike } from './engine.ts';
import { startProduct, type Product } from './product.ts';
import { startTtyd, type Ttyd } from './ttyd.ts';

export type RunOptions = Pick<Bench, 'rounds' | 'sample' | 'say'>;

const ROLE = 'admin';
/** As many as the figure `idle` opens, and a few beside them. */
const MAX_SESSIONS = 50;

export async function setUp(options: RunOptions): Promise<Bench & AsyncDisposable> {
  const parts = new AsyncDisposableStack();
  try {
    return await assemble(options, parts);
  } catch (error) {
    await parts.disposeAsync();
    throw error;
  }
}

async function assemble(options: RunOptions, parts: AsyncDisposableStack): Promise<Bench & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-'));
  // As root the product's database runs as a user of its own, who must reach its folder in here.
  await chmod(folder, 0o711);
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  process.env['SALLYPORT_TEST_PARTS'] ??= folder;
  parts.defer(() => stopParts(folder));
  options.say('starting a cluster, an engine and the product');
  const [cluster, engine] = await Promise.all([testCluster(), testEngine()]);
  const start = async (name: string, warmPool: number): Promise<Product> => {
    const product = parts.use(await startProduct(join(folder, name), cluster.kubeconfig, engine.socket, warmPool));
    const role = (await product.portal.call<{ items: Role[] }>('GET', '/api/v1/roles')).items.find(
      (one) => one.name === ROLE,
    );
    await product.portal.call('PUT', `/api/v1/roles/${ROLE}`, { ...role, maxSessions: MAX_SESSIONS });
    return product;
  };
  const { portal } = await start('warm', 2);
  const [registered] = (await portal.call<{ items: { name: string }[] }>('GET', '/api/v1/clusters')).items;
  if (!registered) throw new Error('the product started without a cluster');
  const where = { cluster: registered.name, role: ROLE };
  // The peers are made after a container of ours; the first session also warms the portal up.
  const first = await openShell(portal, where);
  const peers = parts.use(await peersLike(engine.socket, first.session));
  await first[Symbol.asyncDispose]();

  let cold: Promise<Product> | undefined;
  let ttyd: Promise<Ttyd> | undefined;
  return {
    ...options,
    ...where,
    portal,
    peers,
    kubeconfig: cluster.kubeconfig,
    coldPortal: async () => (await (cold ??= start('cold', 0))).portal,
    ttyd: () =>
      (ttyd ??= peers.start().then(async (container) => parts.use(await startTtyd(engine.socket, container.id)))),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
