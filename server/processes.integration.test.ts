/** The portal as a process: starting twice, on bad ground, being killed, ending in order. */
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../db/migrate.ts';
import { spawnPortal, startBarePortal, type BarePortal } from '../e2e/bare-portal.ts';
import { freePort } from '../e2e/machine/ports.ts';

let portal: BarePortal;
beforeAll(async () => {
  portal = await startBarePortal();
});
afterAll(async () => {
  await portal[Symbol.asyncDispose]();
});

/** Runs a portal that is expected to end by itself. */
async function endsWith(env: Record<string, string>): Promise<{ code: number; said: string }> {
  const lines: string[] = [];
  const child = spawnPortal(env, lines);
  const [code] = (await once(child, 'exit')) as [number];
  return { code, said: lines.join('') };
}

async function own(env: Record<string, string> = {}): Promise<Record<string, string>> {
  return {
    SALLYPORT_PORT: String(await freePort()),
    SALLYPORT_GATEWAY_PORT: '0',
    SALLYPORT_DATA_DIR: portal.dataDir,
    SALLYPORT_WEB_URL: 'http://127.0.0.1:9',
    DATABASE_URL: portal.urls.url,
    MIGRATION_DATABASE_URL: portal.urls.migrationUrl,
    DOCKER_HOST: 'unix:///nonexistent.sock',
    ...env,
  };
}

test('two portals on one data directory: the second says whose it is, and ends', async () => {
  const { code, said } = await endsWith(await own());
  expect(code).toBe(78);
  expect(said).toBe(
    `sallyport: SALLYPORT_DATA_DIR: another portal (process ${portal.pid}) runs on ${portal.dataDir}; end it first, or give this one a folder of its own\n`,
  );
});

test('a port that is taken is said in one line, before anything is started', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const dataDir = mkdtempSync(join(tmpdir(), 'sallyport-taken-'));
  const { code, said } = await endsWith(await own({ SALLYPORT_PORT: String(port), SALLYPORT_DATA_DIR: dataDir }));
  expect(code).toBe(1);
  expect(said).toBe(`sallyport: 127.0.0.1:${port} is taken by another program; choose another port (SALLYPORT_PORT)\n`);
  server.close();
  rmSync(dataDir, { recursive: true });
});

test('a database that is away is said, and its password not', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sallyport-nodb-'));
  const url = 'postgres://portal:hunter2@127.0.0.1:9/x';
  const { code, said } = await endsWith(
    await own({ SALLYPORT_DATA_DIR: dataDir, DATABASE_URL: url, MIGRATION_DATABASE_URL: url }),
  );
  expect(code).toBe(1);
  expect(said).toContain('ECONNREFUSED');
  expect(said).not.toContain('hunter2');
  rmSync(dataDir, { recursive: true });
});

test('migrating twice, and from several replicas at once, is migrating once', async () => {
  const portalRole = new URL(portal.urls.url).username;
  const again = () => migrate({ url: portal.urls.migrationUrl, portalRole });
  await Promise.all([again(), again(), again()]);
  const sql = postgres(portal.urls.migrationUrl, { max: 1 });
  const rows = await sql`select hash, count(*)::int as n from drizzle.__drizzle_migrations group by hash`;
  expect(rows.every((row) => row['n'] === 1)).toBe(true);
  await sql.end();
});

test('a version that is older than its database does not touch it', async () => {
  const portalRole = new URL(portal.urls.url).username;
  const newer = Date.now() * 10;
  await portal.owner`insert into drizzle.__drizzle_migrations (hash, created_at) values ('from-the-future', ${newer})`;
  await expect(migrate({ url: portal.urls.migrationUrl, portalRole })).rejects.toThrow('newer version of Sallyport');
  await portal.owner`delete from drizzle.__drizzle_migrations where hash = 'from-the-future'`;
});

test('roles are seeded once: what an administrator deleted stays deleted (CVE-2019-11202)', async () => {
  await using first = await startBarePortal({ SALLYPORT_DEVELOPER_NAMESPACES: 'blue,green' });
  const seeded = await first.sql`select name, portal, cluster_roles, namespaces, groups from roles order by name`;
  expect(seeded).toEqual([
    { name: 'admin', portal: 'admin', cluster_roles: ['cluster-admin'], namespaces: [], groups: ['sallyport-admins'] },
    { name: 'auditor', portal: 'auditor', cluster_roles: [], namespaces: [], groups: ['sallyport-auditors'] },
    {
      name: 'developer',
      portal: 'member',
      cluster_roles: ['edit'],
      namespaces: ['blue', 'green'],
      groups: ['sallyport-developers'],
    },
  ]);
  await first.sql`delete from roles where name = 'developer'`;
  await first.stop('SIGKILL');
  const lines: string[] = [];
  const port = String(await freePort());
  const child = spawnPortal(
    await own({
      SALLYPORT_PORT: port,
      SALLYPORT_DATA_DIR: first.dataDir,
      DATABASE_URL: first.urls.url,
      MIGRATION_DATABASE_URL: first.urls.migrationUrl,
    }),
    lines,
  );
  const ended = once(child, 'exit');
  // The lock of a portal that was killed is gone with it.
  await expect.poll(() => lines.join(''), { timeout: 15_000 }).toContain('the portal listens');
  expect((await first.sql`select name from roles order by name`).map((row) => row['name'])).toEqual([
    'admin',
    'auditor',
  ]);
  child.kill('SIGTERM');
  expect((await ended)[0]).toBe(0);
  expect(lines.join('')).toContain('sessions, their sandboxes and the database keep running');
});

test('a portal ends with the program that started it with a channel, and be it killed at once', async () => {
  await using first = await startBarePortal();
  await first.stop('SIGTERM');
  const lines: string[] = [];
  const env = await own({
    SALLYPORT_DATA_DIR: first.dataDir,
    DATABASE_URL: first.urls.url,
    MIGRATION_DATABASE_URL: first.urls.migrationUrl,
  });
  const child = spawnPortal(env, lines, { channel: true });
  const ended = once(child, 'exit');
  // What the kernel does for a program that is killed. The portal is still being loaded.
  child.disconnect();
  expect(await ended).toEqual([0, null]);
  expect(lines.join('')).toContain('sessions, their sandboxes and the database keep running');
});

test('a request that is running when the portal is told to end is answered', async () => {
  await using ending = await startBarePortal();
  const { id } = await ending.person('busy', ['sallyport-admins']);
  const { cookie } = await ending.signIn(id);
  const body = JSON.stringify({ email: 'late@example.com', name: 'L', password: 'long enough for all' });
  const running = request(`${ending.origin}/api/v1/users`, {
    method: 'POST',
    headers: {
      cookie,
      origin: ending.origin,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      // The portal says that it has the request (RFC 9110, 10.1.1): only then is it told to end.
      expect: '100-continue',
    },
  });
  const answer = once(running, 'response') as Promise<[IncomingMessage]>;
  running.flushHeaders();
  await once(running, 'continue');
  const stopped = ending.stop('SIGTERM');
  running.end(body);
  const [incoming] = await answer;
  incoming.resume();
  expect(incoming.statusCode).toBe(201);
  await stopped;
});
