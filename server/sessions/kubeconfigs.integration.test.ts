import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openDatabase, type Database } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { accessSessions, clusters, roles, users } from '../../db/schema.ts';
import { testDatabase, type TestDatabase } from '../../e2e/database.ts';
import { Kubeconfigs, type KubeconfigsDeps } from './kubeconfigs.ts';

let own: TestDatabase;
let database: Database;
const [person, cluster] = [randomUUID(), randomUUID()];
const limits = { idleMs: 900_000, detachedMs: 300_000, hardCapMs: 28_800_000, maxSessions: 3 };

beforeAll(async () => {
  own = await testDatabase();
  await migrate({ url: own.url, portalRole: decodeURIComponent(new URL(own.url).username) });
  database = openDatabase(own.url, { max: 5 });
  const { db } = database;
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
  await db.insert(clusters).values({
    id: cluster,
    name: 'one',
    server: 'https://one.example',
    ca: '',
    namespace: 'sallyport',
    credential: Buffer.from('sealed'),
  });
  await db.insert(roles).values({ ...limits, name: 'developer', clusterRoles: ['edit'], groups: ['devs'] });
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await own[Symbol.asyncDispose]();
});

async function activeSession(more: Partial<typeof accessSessions.$inferInsert> = {}): Promise<string> {
  const id = randomUUID();
  const now = new Date();
  await database.db.insert(accessSessions).values({
    id,
    userId: person,
    clusterId: cluster,
    role: 'developer',
    channel: 'kubeconfig',
    state: 'active',
    serviceAccount: 'ann-1',
    clusterRoles: ['edit'],
    namespaces: [],
    idleMs: limits.idleMs,
    detachedMs: limits.detachedMs,
    clientAddress: '192.0.2.1',
    openedAt: now,
    lastInputAt: now,
    hardCapAt: new Date(now.getTime() + 3_600_000),
    cleanupPending: more.state !== 'dormant',
    ...more,
  });
  return id;
}

/** Sessions with a cluster that must not be asked, and what a NOTIFY of a session's change does, by hand. */
function served(remove: () => Promise<void> = () => Promise.resolve()) {
  let changed!: (id: string) => void;
  const create = vi.fn<() => Promise<never>>(() => Promise.reject(new Error('an account was made')));
  const kubeconfigs = new Kubeconfigs({
    db: database.db,
    accounts: { create, renew: create, remove, list: () => Promise.resolve([]) },
    inForce: () => Promise.resolve(),
    calls: { cut: () => Promise.resolve(), progressAt: () => 0 },
    notifications: {
      on: (topic, handler) => {
        if (topic === 'access-session') changed = handler;
      },
      onReset: () => {},
      listening: true,
    },
    announce: () => Promise.resolve(),
    wakeBy: () => Promise.resolve('call' as const),
    accountPage: 'https://portal.example/account',
    end: () => Promise.resolve(),
    audit: { record: () => Promise.resolve() },
    now: () => new Date(),
    log: { debug() {}, info() {}, warn() {}, error() {} },
  } satisfies KubeconfigsDeps);
  return { kubeconfigs, changed: (id: string) => changed(id), create };
}

// What was read before an end must not be served after it (a check and its use in two steps; CWE-367).
it('refuses a call whose session ends while its row is read', async () => {
  const { kubeconfigs, changed, create } = served();
  await using _ = kubeconfigs;
  const id = await activeSession();
  // The second of the two questions waits: the first has found the session active by then.
  await using holder = openDatabase(own.url, { max: 1 });
  const held = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const holding = holder.db.transaction(async (tx) => {
    await tx.execute('lock table roles in access exclusive mode');
    held.resolve();
    await letGo.promise;
  });
  await held.promise;
  const call = kubeconfigs.use({ channel: 'kubeconfig', sessionId: id, subject: person, certificate: null }).then(
    () => 'let through',
    (error: { code?: string }) => error.code,
  );
  await vi.waitFor(async () => {
    const [row] = await database.db.execute<{ n: number }>(
      `select count(*)::int as n from pg_locks where relation = 'roles'::regclass and not granted`,
    );
    expect(row!.n).toBe(1);
  });
  await database.db
    .update(accessSessions)
    .set({ state: 'ended', endedAt: new Date() })
    .where(eq(accessSessions.id, id));
  changed(id);
  letGo.resolve();
  await holding;
  expect(await call).toBe('credential-revoked');
  await expect(kubeconfigs.upstreamToken(id, AbortSignal.timeout(5_000))).rejects.toThrow();
  expect(create).not.toHaveBeenCalled();
});

// The account of a session that was just woken would be removed by whoever puts it to sleep.
it('a call that comes while a session is put to sleep waits until its account is gone', async () => {
  const gone = Promise.withResolvers<void>();
  const { kubeconfigs } = served(() => gone.promise);
  await using _ = kubeconfigs;
  const id = await activeSession({ lastInputAt: new Date(Date.now() - limits.idleMs - 1_000) });
  const ticked = kubeconfigs.tick();
  const stateOf = async () =>
    (await database.db.select().from(accessSessions).where(eq(accessSessions.id, id)))[0]!.state;
  await vi.waitFor(async () => expect(await stateOf()).toBe('dormant'));
  let woken = false;
  const call = kubeconfigs.use({ channel: 'kubeconfig', sessionId: id, subject: person, certificate: null });
  void call.then(() => (woken = true));
  // It looks again and again meanwhile: a few looks of another session's are as long.
  for (let looks = 0; looks < 20; looks++) await stateOf();
  expect({ woken, state: await stateOf() }).toEqual({ woken: false, state: 'dormant' });
  gone.resolve();
  expect((await call).id).toBe(id);
  expect(await stateOf()).toBe('active');
  await ticked;
});

it('a session with a certificate is opened by its serial number alone, one with a token by none; what is refused wakes nothing', async () => {
  const { kubeconfigs } = served();
  await using _ = kubeconfigs;
  const serial = randomUUID().replaceAll('-', '');
  const dormant = await activeSession({ state: 'dormant', certificateSerial: serial });
  const plain = await activeSession();
  const use = (sessionId: string, certificate: string | null, subject = person) =>
    kubeconfigs.use({ channel: 'kubeconfig', sessionId, subject, certificate }).then(
      ({ id }) => id,
      (error: { code?: string }) => error.code,
    );
  for (const [certificate, subject] of [[null], ['00'], [serial.toUpperCase()], [serial, randomUUID()]] as const)
    expect(await use(dormant, certificate, subject)).toBe('credential-revoked');
  const [row] = await database.db.select().from(accessSessions).where(eq(accessSessions.id, dormant));
  expect(row!.state).toBe('dormant');
  expect(await use(dormant, serial)).toBe(dormant);
  // Known from now on, and looked at all the same.
  for (const [certificate, subject] of [[null], ['00'], [serial, randomUUID()]] as const)
    expect(await use(dormant, certificate, subject)).toBe('credential-revoked');
  expect(await use(plain, null)).toBe(plain);
  expect(await use(plain, serial)).toBe('credential-revoked');
});
