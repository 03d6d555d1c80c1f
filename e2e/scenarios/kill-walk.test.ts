/**
 * kill -9 before and after each request that the opening and the ending of a session make of the engine and of the
 * cluster: afterwards nothing is left of it, and its recording holds whole records.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { decodeRecords } from '../../protocol/log.ts';
import { Authority, createAuthority } from '../../server/gateway/authority.ts';
import { kubectlAsAdmin, leftovers, nothing } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { TestPortal, type Visitor } from '../portal.ts';
import { testCluster, testEngine } from '../use.ts';
import { startWireProxy, type WireProxy, type WireRequest } from '../wire-proxy.ts';

type Stop = { way: 'opening' | 'ending'; step: number; phase: 'before' | 'after' };

/** Requests that an opening, or an ending, makes at most; steps past the last are noticed and pass at once. */
const STEPS = { opening: 7, ending: 5 };
const all: Stop[] = (['opening', 'ending'] as const).flatMap((way) =>
  Array.from({ length: STEPS[way] }, (_, step) =>
    (['before', 'after'] as const).map((phase): Stop => ({ way, step, phase })),
  ).flat(),
);
const stops = process.env['SALLYPORT_ROUNDS'] === 'full' ? all : all.filter((_, i) => i % 7 === 2);

let stack: AsyncDisposableStack;
let engine: WireProxy;
let cluster: WireProxy;
let portal: TestPortal;
let person: Visitor;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  const folder = process.env['SALLYPORT_TEST_PARTS']!;
  const socketPath = join(folder, `walk-${process.pid}.sock`);
  engine = stack.use(await startWireProxy({ socketPath }, { socketPath: (await testEngine()).socket }));
  const authority = await Authority.open(await createAuthority(new Date()), () => new Date());
  const { certificate: cert, key } = await authority.issueServingCertificate();
  const { clusters } = parse(readFileSync((await testCluster()).kubeconfig, 'utf8')) as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  };
  const real = clusters[0]!.cluster;
  const ca = Buffer.from(real['certificate-authority-data'], 'base64').toString();
  cluster = stack.use(await startWireProxy({ tls: { cert, key } }, { url: real.server, ca }));
  const account = `walk-${process.pid}`;
  await kubectlAsAdmin('create', 'serviceaccount', account, '--namespace=default');
  stack.defer(async () => void (await kubectlAsAdmin('delete', 'serviceaccount', account, '--namespace=default')));
  await kubectlAsAdmin(
    'create',
    'clusterrolebinding',
    account,
    '--clusterrole=cluster-admin',
    `--serviceaccount=default:${account}`,
  );
  stack.defer(async () => void (await kubectlAsAdmin('delete', 'clusterrolebinding', account)));
  const token = (await kubectlAsAdmin('create', 'token', account, '--namespace=default', '--duration=2h')).trim();
  portal = await TestPortal.start({
    env: { DOCKER_HOST: `unix://${socketPath}` },
    kubeconfig: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'walk',
      clusters: [
        {
          name: 'walk',
          cluster: {
            server: cluster.address,
            'certificate-authority-data': Buffer.from(authority.certificate).toString('base64'),
          },
        },
      ],
      users: [{ name: 'walk', user: { token } }],
      contexts: [{ name: 'walk', context: { cluster: 'walk', user: 'walk' } }],
    }),
  });
  stack.use(portal);
  person = await portal.visitor();
});
afterAll(() => stack?.disposeAsync());

/** Looks, and what waits for a container's end, change nothing. */
function changes({ method, path }: WireRequest): boolean {
  return method !== 'GET' && method !== 'HEAD' && !/selfsubject|\/wait\b/.test(path);
}

/** Kills the portal at the stop; resolves with the request, or undefined where `work` made fewer. */
async function killedAt(stop: Stop, work: () => Promise<unknown>): Promise<WireRequest | undefined> {
  let count = 0;
  let hit: WireRequest | undefined;
  const chosen = new Set<WireRequest>();
  const die = async (request: WireRequest) => {
    hit = request;
    await portal.kill();
  };
  const watcher = {
    async before(request: WireRequest) {
      if (!changes(request) || count++ !== stop.step) return;
      if (stop.phase === 'before') await die(request);
      else chosen.add(request);
    },
    async after(request: WireRequest) {
      if (chosen.has(request)) await die(request);
    },
  };
  engine.watch(watcher);
  cluster.watch(watcher);
  await work().catch(() => {});
  engine.watch({});
  cluster.watch({});
  return hit;
}

describe.each(stops)('$way, $phase its request $step', (stop) => {
  it('leaves nothing', async () => {
    let id: string | undefined;
    if (stop.way === 'ending') {
      const opened = await person.open();
      id = opened.id;
      await opened.terminal.shows(/\$ $/);
      await until(async () => (await person.api<{ state: string }>('GET', `/sessions/${id}`)).state === 'active', {
        what: 'the open session',
      });
    }
    const hit = await killedAt(stop, async () => {
      if (stop.way === 'ending') return person.api('POST', `/sessions/${id}/end`);
      const { session } = await person.api<{ session: { id: string } }>('POST', '/sessions', { cluster: 'test' });
      id = session.id;
      const state = async () => (await person.api<{ state: string }>('GET', `/sessions/${id}`)).state;
      return until(async () => (await state()) === 'active', { what: 'the open session', within: 5_000 });
    });
    if (hit) await portal.up();
    else await person.api('POST', `/sessions/${id}/end`);
    await until(
      async () => {
        const [open] = await portal.sql`
          select count(*)::int as count from access_sessions where state <> 'ended' or cleanup_pending`;
        return open!['count'] === 0;
      },
      { what: 'the end of every session', within: 30_000 },
    );
    await until(
      async () => {
        const left = await leftovers(portal);
        return left.containers.length + left.cluster.length === 0;
      },
      { what: async () => `nothing left of the session: ${JSON.stringify(await leftovers(portal))}`, every: 300 },
    );
    expect(await leftovers(portal)).toEqual(nothing);
    const [row] = await portal.sql<{ id: string; opened_at: Date }[]>`
      select id, opened_at from access_sessions order by opened_at desc limit 1`;
    if (!row) return;
    const folder = row.opened_at.toISOString().slice(0, 7).replace('-', '/');
    const file = join(portal.dataDir, 'recordings', folder, row.id, 'log');
    if (!existsSync(file)) return;
    const log = readFileSync(file);
    expect(decodeRecords(log).consumed).toBe(log.length);
    if (stop.way === 'ending' && row.id === id) expect(log.toString('latin1')).toContain('recorded');
  });
});
