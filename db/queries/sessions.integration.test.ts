import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { testDatabase, type TestDatabase } from '../../e2e/database.ts';
import { openDatabase, type Database } from '../client.ts';
import { migrate } from '../migrate.ts';
import { accessSessions, clusters, roles, users, webSessions } from '../schema.ts';
import * as sessions from './sessions.ts';

let own: TestDatabase;
let database: Database;
const replica = randomUUID();
const person = randomUUID();
const cluster = randomUUID();
const signIn = randomUUID();

const limits = { idleMs: 900_000, detachedMs: 300_000, hardCapMs: 28_800_000, maxSessions: 3 };

beforeAll(async () => {
  own = await testDatabase();
  await migrate({ url: own.url, portalRole: decodeURIComponent(new URL(own.url).username) });
  database = openDatabase(own.url, { max: 5 });
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await own[Symbol.asyncDispose]();
});
beforeEach(async () => {
  const { db } = database;
  for (const table of [accessSessions, webSessions, users, clusters, roles]) await db.delete(table);
  await db.insert(users).values({
    id: person,
    provider: 'local',
    issuer: 'local',
    subject: 'ann',
    email: 'ann@example.com',
    name: 'Ann',
    slug: 'ann',
    groups: ['devs'],
  });
  await db.insert(webSessions).values({
    id: signIn,
    tokenHash: Buffer.from('hash'),
    userId: person,
    method: 'local',
    address: '127.0.0.1',
    userAgent: 'test',
    expiresAt: new Date(Date.now() + 3_600_000),
  });
  await db.insert(clusters).values({
    id: cluster,
    name: 'prod',
    production: true,
    server: 'https://127.0.0.1:1',
    ca: '',
    namespace: 'sallyport',
    credential: Buffer.alloc(0),
  });
  await db.insert(roles).values({ name: 'developer', clusterRoles: ['edit'], groups: ['devs'], ...limits });
});

const newSession = (over: Partial<sessions.NewSession> = {}): sessions.NewSession => {
  const openedAt = over.openedAt ?? new Date('2026-01-05T09:00:00.000Z');
  return {
    id: randomUUID(),
    userId: person,
    webSessionId: signIn,
    clusterId: cluster,
    role: 'developer',
    channel: 'terminal',
    state: 'opening',
    serviceAccount: 'sp-ann-0',
    clusterRoles: ['edit'],
    namespaces: [],
    idleMs: limits.idleMs,
    detachedMs: limits.detachedMs,
    replica,
    clientAddress: '127.0.0.1',
    openedAt,
    lastInputAt: openedAt,
    hardCapAt: new Date(openedAt.getTime() + limits.hardCapMs),
    ...over,
  };
};
const insert = async (over: Partial<sessions.NewSession> = {}) =>
  (await sessions.insertSession(database.db, newSession(over), 50))!;

describe('insertSession', () => {
  it('keeps the limit when many are opened at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 8 }, () => sessions.insertSession(database.db, newSession(), 3)),
    );
    expect(results.filter(Boolean)).toHaveLength(3);
  });

  it('counts what is not ended, of this channel only', async () => {
    const first = await insert();
    await insert({ channel: 'kubeconfig' });
    expect(await sessions.insertSession(database.db, newSession(), 1)).toBeNull();
    await sessions.beginEnding(database.db, first.id, { reason: 'exited', detail: null, exitCode: 0 });
    expect(await sessions.insertSession(database.db, newSession(), 1)).toBeNull();
    await sessions.finishEnding(database.db, first.id, { endedAt: new Date(), cleanupPending: false });
    expect(await sessions.insertSession(database.db, newSession(), 1)).not.toBeNull();
  });
});

describe('a life', () => {
  it('goes forward only, and the first who ends it says why', async () => {
    const { db } = database;
    const { id } = await insert({ hostSecret: Buffer.from('sealed') });
    expect(await sessions.activateSession(db, id, { steps: [] })).toBe(true);
    expect(await sessions.activateSession(db, id, {})).toBe(false);
    expect(await sessions.beginEnding(db, id, { reason: 'idle', detail: 'd', exitCode: null })).toBe(true);
    expect(await sessions.beginEnding(db, id, { reason: 'fault', detail: null, exitCode: 1 })).toBe(false);
    expect(await sessions.finishEnding(db, id, { endedAt: new Date(), cleanupPending: true })).toBe(true);
    expect(await sessions.finishEnding(db, id, { endedAt: new Date(), cleanupPending: false })).toBe(false);
    const row = await sessions.findSession(db, id);
    expect(row).toMatchObject({ state: 'ended', endReason: 'idle', endDetail: 'd', exitCode: null, hostSecret: null });
    expect(row).toMatchObject({ user: { name: 'Ann' }, cluster: { name: 'prod', production: true } });
    expect((await sessions.awaitingCleanup(db, 10)).map((waiting) => waiting.id)).toEqual([id]);
  });

  it('leases grow, and the idle clock never goes back', async () => {
    const { db } = database;
    const { id, openedAt } = await insert();
    expect(await sessions.takeLease(db, id, replica)).toBe(1);
    expect(await sessions.takeLease(db, id, replica)).toBe(2);
    const later = new Date(openedAt.getTime() + 5_000);
    await sessions.noteInput(db, id, later);
    await sessions.noteInput(db, id, openedAt);
    expect((await sessions.findSession(db, id))?.lastInputAt).toEqual(later);
  });
});

describe('listSessions', () => {
  it('pages through sessions of one moment without a gap or a double', async () => {
    for (let i = 0; i < 7; i++) await insert({ openedAt: new Date(Date.UTC(2026, 0, 5, 9, Math.floor(i / 3))) });
    const seen: string[] = [];
    let after: sessions.SessionFilter['after'];
    do {
      const found = await sessions.listSessions(database.db, { limit: 2, ...(after ? { after } : {}) });
      seen.push(...found.map((row) => row.id));
      after = found.length === 2 ? found[1] : undefined;
    } while (after);
    expect(new Set(seen).size).toBe(7);
    expect(seen).toHaveLength(7);
  });

  it('filters by state, person and cluster', async () => {
    const { id } = await insert();
    await insert({ state: 'active' });
    const ids = async (filter: Partial<sessions.SessionFilter>) =>
      (await sessions.listSessions(database.db, { limit: 10, ...filter })).map((row) => row.id);
    expect(await ids({ states: ['opening'] })).toEqual([id]);
    expect(await ids({ userId: randomUUID() })).toEqual([]);
    expect(await ids({ userId: person, clusterId: cluster })).toHaveLength(2);
  });
});

describe('revokedOf', () => {
  const end = { endedAt: new Date() };
  it.each([
    ['nothing happened', async () => {}, []],
    [
      'signed out',
      async () => database.db.update(webSessions).set(end).where(eq(webSessions.id, signIn)),
      ['signed-out'],
    ],
    ['disabled', async () => database.db.update(users).set({ disabledAt: new Date() }), ['revoked']],
    ['left the group', async () => database.db.update(users).set({ groups: [] }), ['revoked']],
    ['role removed', async () => database.db.delete(roles), ['revoked']],
    ['role reaches nothing', async () => database.db.update(roles).set({ clusterRoles: [] }), ['revoked']],
    ['cluster removed', async () => database.db.update(clusters).set({ removedAt: new Date() }), ['revoked']],
  ])('%s', async (_name, change, expected) => {
    await insert({ state: 'active' });
    await insert({ state: 'active', replica: randomUUID() });
    await insert({ state: 'ended' });
    await change();
    const found = await sessions.revokedOf(database.db, { replica });
    expect(found.map((revocation) => revocation.reason)).toEqual(expected);
  });

  it('leaves sessions that an API token opened when somebody signs out', async () => {
    await insert({ state: 'active', webSessionId: null });
    await database.db.update(webSessions).set(end);
    expect(await sessions.revokedOf(database.db, { replica })).toEqual([]);
  });
});

it('unfinishedAmong names what is no leftover', async () => {
  const open = await insert({ state: 'ending' });
  const ended = await insert({ state: 'ended' });
  const stranger = randomUUID();
  expect([...(await sessions.unfinishedAmong(database.db, [open.id, ended.id, stranger]))]).toEqual([open.id]);
  expect((await sessions.unfinishedOf(database.db, replica)).map((row) => row.id)).toEqual([open.id]);
});
