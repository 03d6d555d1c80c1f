/** A change on one replica has reached every other that lives when it is answered, or the answer says which not. */
import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testDatabase } from '../e2e/database.ts';
import { LEASE_MS } from '../server/domain/replica-lease.ts';
import { openDatabase, type Database } from './client.ts';
import { migrate } from './migrate.ts';
import { Notifications } from './notifications.ts';
import { beat } from './queries/replicas.ts';

const stack = new AsyncDisposableStack();
let url: string;
let database: Database;
let sql: postgres.Sql;
let here: Notifications;
let told: [string, string, string[]][] = [];

async function replica(id: string, onUnconfirmed?: (...args: (typeof told)[number]) => void): Promise<Notifications> {
  const made = stack.use(new Notifications(url, { replica: id, ...(onUnconfirmed ? { onUnconfirmed } : {}) }));
  await made.start();
  await beat(database.db, id, new Date());
  return made;
}

/** In ms. */
async function announcing(id: string): Promise<number> {
  const began = performance.now();
  await here.announce(database.db, 'user', id);
  return performance.now() - began;
}

beforeAll(async () => {
  ({ url } = stack.use(await testDatabase()));
  await migrate({ url, portalRole: new URL(url).username });
  database = stack.use(openDatabase(url));
  sql = postgres(url, { max: 1, onnotice: () => undefined });
  stack.defer(() => sql.end());
  here = await replica(randomUUID(), (...args) => told.push(args));
});
afterAll(() => stack.disposeAsync());

test('alone, nobody is waited for', async () => {
  expect(await announcing('u0')).toBeLessThan(500);
  expect(told).toEqual([]);
});

test('when it returns, every other replica has heard', async () => {
  const heard: string[] = [];
  for (const name of ['b', 'c']) (await replica(randomUUID())).on('user', (id) => heard.push(`${name} ${id}`));
  for (let round = 0; round < 50; round++) {
    await here.announce(database.db, 'user', `u${round}`);
    expect(heard.splice(0).sort()).toEqual([`b u${round}`, `c u${round}`]);
  }
  expect(told).toEqual([]);
});

test('one that lives and does not hear is waited for once, a second, and named each time; a dead one is not', async () => {
  const deaf = randomUUID();
  await beat(database.db, deaf, new Date());
  const first = await announcing('u1');
  expect(first).toBeGreaterThanOrEqual(990);
  expect(first).toBeLessThan(1_500);
  expect(await announcing('u2')).toBeLessThan(500);
  expect(told.splice(0)).toEqual([
    ['user', 'u1', [deaf]],
    ['user', 'u2', [deaf]],
  ]);
  await sql`update replicas set seen_at = now() - make_interval(secs => ${LEASE_MS / 1000}) where id = ${deaf}`;
  expect(await announcing('u3')).toBeLessThan(500);
  expect(told).toEqual([]);
});
