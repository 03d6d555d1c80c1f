import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostgres, stopPostgres } from './embedded/postgres.ts';
import { provision } from './provision.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-provision-'));
  await chmod(folder, 0o711);
});
afterAll(async () => {
  await stopPostgres(folder, { remove: true });
  await rm(folder, { recursive: true, force: true });
});

test('a portal and commands that start at once make the same database and roles, each of which works', async () => {
  const { adminUrl } = await startPostgres(folder, { fsync: false });
  const made = await Promise.all(Array.from({ length: 8 }, () => provision(adminUrl)));
  made.push(...(await Promise.all(Array.from({ length: 8 }, () => provision(adminUrl)))));
  expect(new Set(made.map((urls) => JSON.stringify(urls))).size).toBe(1);
  const { url, migrationUrl } = made[0]!;
  for (const [one, name] of [
    [url, 'sallyport'],
    [migrationUrl, 'sallyport_owner'],
  ] as const) {
    const sql = postgres(one, { max: 1 });
    expect(await sql`select current_user::text as name`).toEqual([{ name }]);
    await sql.end();
  }
});
