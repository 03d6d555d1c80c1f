/** The audit log's routes over a real database: who may read what, filters, pages, and calls joined to their ends. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type Database } from '../../../db/client.ts';
import { migrate } from '../../../db/migrate.ts';
import { insertAuditEvents, findAuditEvent, listAuditEvents, listSessionCalls } from '../../../db/queries/audit.ts';
import { testDatabase } from '../../../e2e/database.ts';
import { AuditLog } from '../../audit/audit-log.ts';
import { type AuditRow, lineOf } from '../../audit/entries.harness.ts';
import type { Person, PortalRole } from '../../domain/person.ts';
import { Problem } from '../../domain/problem.ts';
import { newRouter, type Router } from '../router.ts';
import type { AuditEventBody, Page } from '../schemas.ts';
import { auditRoutes } from './audit.ts';

const stack = new AsyncDisposableStack();
let db: Database;
let portal: PortalRole = 'auditor';
let app: Router;
const session = randomUUID();
const cluster = randomUUID();
const alice = randomUUID();
const start = Date.parse('2026-01-01T00:00:00Z');

type Row = Omit<AuditRow, 'code'> & { code: string };

function row(n: number, over: Partial<Row> = {}): Row {
  return {
    key: randomUUID(),
    at: new Date(start + n * 1000),
    code: 'sign-in.succeeded',
    actorId: null,
    actor: 'bob@example.com',
    sessionId: null,
    clusterId: null,
    auditId: null,
    clientAddress: null,
    correlationId: null,
    detail: { n },
    ...over,
  };
}

const insert = (rows: Row[]) => insertAuditEvents(db.db, rows.map(lineOf));

beforeAll(async () => {
  const database = stack.use(await testDatabase());
  await migrate({ url: database.url, portalRole: new URL(database.url).username });
  db = stack.use(openDatabase(database.url));
  app = newRouter();
  app.use(async (c, next) => {
    const person: Person = {
      id: alice,
      email: 'alice@example.com',
      name: 'Alice',
      slug: 'alice',
      groups: [],
      portal,
      proof: { kind: 'web-session', id: randomUUID(), expiresAt: new Date(Date.now() + 60_000) },
    };
    c.set('person', person);
    await next();
  });
  app.onError((error, c) => c.json({ code: (error as Problem).code }, ((error as Problem).status ?? 500) as 400));
  app.route(
    '/',
    auditRoutes({
      events: {
        list: (filter, limit, after) => listAuditEvents(db.db, filter, limit, after),
        calls: (id, limit, after) => listSessionCalls(db.db, id, limit, after),
        find: (which) => findAuditEvent(db.db, which),
      },
      flush: async () => {},
      sessions: {
        get: async (id) => {
          if (id !== session) throw new Problem('session-not-found', 404, 'There is no such session.');
        },
      },
      clusters: { find: async (name) => (name === 'main' ? { id: cluster } : null) },
    }),
  );
  const auditId = randomUUID();
  const long = { sessionId: session, auditId, code: 'api.started' };
  await insert([
    ...Array.from({ length: 25 }, (_, n) => row(n)),
    // Several at one instant: the cursor must tell them apart.
    ...Array.from({ length: 10 }, (_, n) => row(30, { detail: { same: n } })),
    row(40, { actor: 'al_ice%@example.com', actorId: alice, code: 'sign-out' }),
    row(50, long),
    row(60, { ...long, code: 'api.finished', clusterId: cluster }),
    row(51, { sessionId: session, auditId: randomUUID(), code: 'api.started' }),
    row(52, { sessionId: session, auditId: randomUUID(), code: 'api.refused' }),
    row(53, { sessionId: session, code: 'session.opened' }),
  ]);
});
afterAll(() => stack.disposeAsync());

async function get(path: string): Promise<Page<AuditEventBody> & { status: number; code?: string }> {
  const response = await app.request(path);
  return { status: response.status, ...((await response.json()) as Page<AuditEventBody>) };
}

async function all(path: string): Promise<AuditEventBody[]> {
  const items: AuditEventBody[] = [];
  for (let cursor = ''; ;) {
    const answer = await get(`${path}${cursor}`);
    expect(answer.status).toBe(200);
    items.push(...answer.items);
    if (answer.next === null) return items;
    cursor = `&cursor=${answer.next}`;
  }
}

test('pages have every event once, newest first', async () => {
  const items = await all('/audit?limit=7');
  expect(items).toHaveLength(41);
  expect(new Set(items.map(({ id }) => id)).size).toBe(41);
  const times = items.map(({ at }) => at);
  expect(times).toEqual(times.toSorted().toReversed());
  expect(items[0]).toMatchObject({ code: 'api.finished', title: 'Kubernetes call' });
  expect(items[0]).not.toHaveProperty('key');
});

test.each([
  ['/audit?code=sign-out', 1],
  ['/audit?code=api.*', 4],
  ['/audit?code=sign%', 0],
  ['/audit?actor=AL_ICE', 1],
  ['/audit?actor=al%25', 0],
  [`/audit?actor=${alice}`, 1],
  ['/audit?cluster=main', 1],
  [`/audit?cluster=${cluster}`, 1],
  [`/audit?session=${session}`, 5],
  ['/audit?from=2026-01-01T00:00:10Z&to=2026-01-01T00:00:20Z', 10],
])('%s: %i', async (path, count) => {
  expect(await all(`${path}&limit=100`)).toHaveLength(count);
});

test("a session's calls: a long one once, an unfinished one seen as such", async () => {
  expect((await all(`/sessions/${session}/calls?limit=2`)).map(({ code }) => code)).toEqual([
    'api.finished',
    'api.refused',
    'api.started',
  ]);
  expect(await get(`/sessions/${randomUUID()}/calls`)).toMatchObject({ status: 404, code: 'session-not-found' });
});

test('a body is in no list; who may see the event has it whole', async () => {
  const at = '2026-01-01T00:00:45.123Z';
  const sent = { method: 'POST', body: { kind: 'Pod' } };
  const whole = { sessionId: session, code: 'api.finished' as const, auditId: randomUUID(), detail: sent };
  await insert([{ ...row(0, whole), at: new Date(at) }]);
  const [found] = await all(`/audit?from=${at}&to=2026-01-01T00:00:45.200Z&limit=10`);
  expect(found).toMatchObject({ hasBody: true, detail: { method: 'POST' } });
  expect(found!.detail).not.toHaveProperty('body');
  const one = `${found!.id}?at=${at}`;
  for (const path of [`/audit/${one}`, `/sessions/${session}/calls/${one}`])
    expect(await get(path)).toMatchObject({ status: 200, detail: sent });
  const other = (await all('/audit?code=sign-out&limit=1'))[0]!;
  for (const path of [
    `/audit/${found!.id}?at=2026-01-01T00:00:00Z`,
    `/sessions/${randomUUID()}/calls/${one}`,
    `/sessions/${session}/calls/${other.id}?at=${other.at}`,
  ])
    expect(await get(path), path).toMatchObject({ status: 404 });
  portal = 'member';
  expect(await get(`/audit/${one}`)).toMatchObject({ status: 403 });
  portal = 'auditor';
});

test('a replayed batch writes nothing twice', async () => {
  const twice = row(100, { code: 'sign-out', detail: { replayed: true } });
  await insert([twice]);
  await insert([twice, row(101, { code: 'user.created' })]);
  expect(await all('/audit?from=2026-01-01T00:01:40Z')).toHaveLength(2);
});

test('bad questions and wrong people', async () => {
  expect(await get('/audit?cursor=bm9uc2Vuc2U')).toMatchObject({ status: 400 });
  expect(await get('/audit?cluster=nowhere')).toMatchObject({ status: 404, code: 'cluster-unknown' });
  expect(await get('/audit?limit=100000')).toMatchObject({ status: 400 });
  portal = 'member';
  expect(await get('/audit')).toMatchObject({ status: 403, code: 'forbidden' });
  portal = 'auditor';
});

test('what Postgres cannot hold is on record without it, and keeps nothing else from the log', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sallyport-audit-'));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const faults: unknown[] = [];
  await using log = await AuditLog.open({
    dir,
    insert: (lines) => insertAuditEvents(db.db, lines),
    now: () => new Date(),
    onFault: (error) => faults.push(error),
  });
  const at = new Date(start + 200_000);
  // As anybody may send them: an email at the sign-in, a field selector, a path.
  const poison = 'a\0b\ud800c';
  await log.record({ at, code: 'sign-in.failed', actorId: null, actor: poison, detail: { list: [{ deep: poison }] } });
  await log.record({ at, code: 'sign-in.failed', actorId: null, actor: 'the next one' });
  expect(await log.flush(), String(faults[0])).toBe(true);
  const [next, poisoned] = await listAuditEvents(db.db, { from: at, code: 'sign-in.failed' }, 10);
  expect(next!.actor).toBe('the next one');
  const clean = 'a\ufffdb\ufffdc';
  expect(poisoned).toMatchObject({ actor: clean, detail: { list: [{ deep: clean }] } });
});
