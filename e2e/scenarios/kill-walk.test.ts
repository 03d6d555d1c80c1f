/**
 * kill -9 before and after each request that the opening and the ending of a session make of the engine and of the
 * cluster: afterwards nothing is left of it, and its recording holds whole records.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeRecords } from '../../protocol/log.ts';
import { leftovers } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { CLUSTER, TestPortal, type Visitor } from '../portal.ts';
import { proxiedCluster, type ProxiedCluster } from '../proxied-cluster.ts';
import { testEngine } from '../use.ts';
import { startWireProxy, type WireProxy, type WireRequest } from '../wire-proxy.ts';

type Stop = { step: number; phase: 'before' | 'after' };
/** `requests`: those that changed something, until the kill where there was one. */
type Walk = { requests: WireRequest[]; killed: boolean };
type Walked = { portal: TestPortal; person: Visitor; pool: number };
type Way = {
  name: string;
  /** Sandboxes that the portal keeps ready. */
  pool: number;
  /** What is there before the walk; the id of its session, where there is one. */
  prepare(walked: Walked): Promise<string | undefined>;
  /** What is walked. */
  work(walked: Walked, session: string | undefined): Promise<unknown>;
};

const open = async ({ person }: Walked) => {
  const { session } = await person.api<{ session: { id: string } }>('POST', '/sessions', { cluster: CLUSTER });
  const state = async () => (await person.api<{ state: string }>('GET', `/sessions/${session.id}`)).state;
  await until(async () => (await state()) === 'active', { what: 'the open session' });
  return session.id;
};
const ways: Way[] = [
  { name: 'a cold opening', pool: 0, prepare: async () => undefined, work: open },
  {
    name: 'an opening that claims a warm sandbox, until the pool is full again',
    pool: 1,
    prepare: async ({ portal }) => void (await portal.warmed(1)),
    async work(walked) {
      const id = await open(walked);
      const { steps } = await walked.person.api<{ steps: { name: string }[] }>('GET', `/sessions/${id}`);
      expect(steps.map(({ name }) => name)).not.toContain('sandbox');
      await walked.portal.warmed(1);
    },
  },
  {
    name: 'an ending',
    pool: 0,
    async prepare({ person }) {
      const { id, terminal } = await person.open();
      await terminal.shows(/\$ $/);
      const state = async () => (await person.api<{ state: string }>('GET', `/sessions/${id}`)).state;
      await until(async () => (await state()) === 'active', { what: 'the open session' });
      return id;
    },
    work: ({ person }, id) => person.api('POST', `/sessions/${id}/end`),
  },
];

let stack: AsyncDisposableStack;
let engine: WireProxy;
let cluster: ProxiedCluster;
const portals = new Map<number, Walked>();

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  const socketPath = join(process.env['SALLYPORT_TEST_PARTS']!, `walk-${process.pid}.sock`);
  engine = stack.use(await startWireProxy({ socketPath }, { socketPath: (await testEngine()).socket }));
  cluster = stack.use(await proxiedCluster());
  for (const pool of [0, 1]) {
    const env = { DOCKER_HOST: `unix://${socketPath}` };
    const portal = stack.use(await TestPortal.start({ warmPool: pool, env, kubeconfig: cluster.kubeconfig() }));
    // The engine's proxy is both portals': what the other one makes for its pool is no step of a walk.
    await portal.warmed(pool);
    portals.set(pool, { portal, person: await portal.visitor(), pool });
  }
});
afterAll(() => stack?.disposeAsync());

it.each(ways)('$name: whatever it is killed at, nothing is left', { timeout: 600_000 }, async (way) => {
  const walked = portals.get(way.pool)!;
  const { requests } = await walk(way, walked, null);
  expect(requests.length).toBeGreaterThan(2);
  const stops = requests.flatMap((_, step) => (['before', 'after'] as const).map((phase): Stop => ({ step, phase })));
  const full = process.env['SALLYPORT_ROUNDS'] === 'full';
  for (const stop of full ? stops : stops.filter((_, i) => i % 6 === 2)) {
    const where = `${stop.phase} request ${stop.step} of ${requests.length}`;
    const { killed } = await walk(way, walked, stop).catch((cause: unknown) => {
      throw new Error(`killed ${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    });
    // A walk that is not stopped has shown nothing.
    expect(killed, `the kill ${where}`).toBe(true);
  }
  if (full)
    expect(await walk(way, walked, { step: requests.length, phase: 'before' })).toMatchObject({ killed: false });
});

/** Goes the way once and kills the portal at the stop, if it comes so far; afterwards nothing is left. */
async function walk(way: Way, walked: Walked, stop: Stop | null): Promise<Walk> {
  const { portal, person } = walked;
  const prepared = await way.prepare(walked);
  const gone = await killedAt(portal, stop, () => way.work(walked, prepared));
  if (gone.killed) await portal.up();
  const [row] = await portal.sql<{ id: string; state: string; opened_at: Date }[]>`
    select id, state, opened_at from access_sessions order by opened_at desc limit 1`;
  // Killed behind its opening, a session goes on.
  if (row?.state === 'active') await person.api('POST', `/sessions/${row.id}/end`);
  await nothingIsLeft(walked);
  if (row) recordingIsWhole(portal, row, row.id === prepared ? 'recorded' : '');
  return gone;
}

/** Looks, and what waits for a container's end, change nothing. */
function changes({ method, path }: WireRequest): boolean {
  return method !== 'GET' && method !== 'HEAD' && !/selfsubject|\/wait\b/.test(path);
}

async function killedAt(portal: TestPortal, stop: Stop | null, work: () => Promise<unknown>): Promise<Walk> {
  const requests: WireRequest[] = [];
  const dead = Promise.withResolvers<void>();
  let chosen: WireRequest | undefined;
  let killed = false;
  const die = async () => {
    killed = true;
    await portal.kill();
    dead.resolve();
  };
  const watcher = {
    async before(request: WireRequest) {
      if (killed || !changes(request)) return;
      requests.push(request);
      if (stop?.step !== requests.length - 1) return;
      chosen = request;
      if (stop.phase === 'before') await die();
    },
    async after(request: WireRequest) {
      if (request === chosen && !killed) await die();
    },
  };
  engine.watch(watcher);
  cluster.proxy.watch(watcher);
  await Promise.race([
    dead.promise,
    work().catch(async (error: unknown) => {
      // Cut off by the kill that is under way; without one it is an error of its own.
      if (!chosen) throw error;
      await dead.promise;
    }),
  ]);
  engine.watch({});
  cluster.proxy.watch({});
  return { requests, killed };
}

/** Of the sandboxes that the portal knows, those that wait in its pool are all that there is. */
async function nothingIsLeft({ portal, pool }: Walked): Promise<void> {
  const ended = async () => {
    const [open] = await portal.sql`
      select count(*)::int as count from access_sessions where state <> 'ended' or cleanup_pending`;
    return open!['count'] === 0;
  };
  await until(ended, { what: 'the end of every session', within: 30_000 });
  await portal.warmed(pool);
  const clean = async () => {
    const { containers, cluster: objects } = await leftovers(portal);
    return containers.length === pool && objects.length === 0;
  };
  const left = async () => `nothing but the pool left: ${JSON.stringify(await leftovers(portal))}`;
  await until(clean, { what: left, every: 200 });
  const [used] = await portal.sql`
    select count(*)::int as count from access_sessions where id::text = any(${(await leftovers(portal)).containers})`;
  expect(used!['count']).toBe(0);
}

function recordingIsWhole(portal: TestPortal, row: { id: string; opened_at: Date }, text: string): void {
  const folder = row.opened_at.toISOString().slice(0, 7).replace('-', '/');
  const file = join(portal.dataDir, 'recordings', folder, row.id, 'log');
  if (text === '' && !existsSync(file)) return;
  const log = readFileSync(file);
  expect(decodeRecords(log).consumed).toBe(log.length);
  expect(log.toString('latin1')).toContain(text);
}
