import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { testDatabase, type TestDatabase } from '../e2e/database.ts';
import { migrate } from './migrate.ts';
import { auditPartitions } from './partitions.ts';

let own: TestDatabase;
let sql: postgres.Sql;
const role = `portal_${randomUUID().slice(0, 8)}`;
beforeAll(async () => {
  own = await testDatabase();
  sql = postgres(own.url, { max: 1, onnotice: () => {} });
  await sql`create role ${sql(role)}`;
});
afterAll(async () => {
  await sql`drop owned by ${sql(role)}`;
  await sql`drop role ${sql(role)}`;
  await sql.end({ timeout: 5 });
  await own[Symbol.asyncDispose]();
});

const start = (now: string) => migrate({ url: own.url, portalRole: role, now: () => new Date(now) });
const event = (at: string) => sql`
  insert into audit_events (key, at, code, actor) values (${randomUUID()}, ${at}, 'api.finished', 'ann') returning id`;
const placeOf = async (at: string) =>
  (await sql<{ place: string }[]>`select tableoid::regclass::text as place from audit_events where at = ${at}`)[0]!
    .place;

it('keeps a month a partition, two years ahead; a second start changes nothing', async () => {
  await start('2026-11-26T12:00:00Z');
  const first = await auditPartitions(sql);
  expect(first).toHaveLength(26);
  expect(first).toEqual(
    expect.arrayContaining(['audit_events_2026_11', 'audit_events_2028_11', 'audit_events_default']),
  );
  await start('2026-11-26T12:00:00Z');
  expect(await auditPartitions(sql)).toEqual(first);
  await event('2026-11-30T23:59:59.999Z');
  await event('2026-12-01T00:00:00Z');
  expect(await placeOf('2026-11-30T23:59:59.999Z')).toBe('audit_events_2026_11');
  expect(await placeOf('2026-12-01T00:00:00Z')).toBe('audit_events_2026_12');
});

it('takes what no month covers, and gives it its month at the next start, with its id', async () => {
  const [late] = await event('2031-05-05T00:00:00Z');
  expect(await placeOf('2031-05-05T00:00:00Z')).toBe('audit_events_default');
  await start('2026-11-26T12:00:00Z');
  expect(await placeOf('2031-05-05T00:00:00Z')).toBe('audit_events_2031_05');
  const [kept] = await sql`select id from audit_events where at = '2031-05-05T00:00:00Z'`;
  expect(kept!['id']).toBe(late!['id']);
});

it('lets the portal’s role change no month, by whatever name it calls it', async () => {
  for (const table of ['audit_events', ...(await auditPartitions(sql))])
    for (const attack of [
      `update ${table} set actor = 'nobody'`,
      `delete from ${table}`,
      `truncate ${table}`,
      `alter table audit_events detach partition ${table}`,
      `drop table ${table}`,
    ])
      await expect(
        sql.begin(async (tx) => {
          await tx.unsafe(`set local role ${role}`);
          await tx.unsafe(attack);
        }),
        attack,
      ).rejects.toMatchObject({ code: expect.stringMatching(/^(42501|42P01|42809)$/) });
  await sql.begin(async (tx) => {
    await tx.unsafe(`set local role ${role}`);
    await tx`insert into audit_events (key, at, code, actor) values (${randomUUID()}, now(), 'api.finished', 'ann')`;
    expect((await tx`select 1 from audit_events`).length).toBeGreaterThan(0);
  });
});

it('asks for a page of a session in the months that it needs, by index', async () => {
  const plan = await sql.unsafe(
    `explain select * from audit_events where session_id = '${randomUUID()}' and at >= '2026-12-05' and at < '2026-12-06' order by at desc, id desc limit 100`,
  );
  const text = plan.map((row) => row['QUERY PLAN'] as string).join('\n');
  expect(text).toContain('audit_events_2026_12');
  expect(text).not.toMatch(/audit_events_2026_11|audit_events_2027|audit_events_default/);
});
