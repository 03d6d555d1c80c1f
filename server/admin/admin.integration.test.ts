/** Commands on the server, as an operator runs them: the first administrator, a lock-out, a backup and its restoring. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBarePortal, type BarePortal } from '../../e2e/bare-portal.ts';

const ROOT = join(import.meta.dirname, '../..');
let portal: BarePortal;
let folder: string;

beforeAll(async () => {
  portal = await startBarePortal();
  folder = mkdtempSync(join(tmpdir(), 'sallyport-admin-'));
});
afterAll(async () => {
  await portal[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

type Ran = { code: number; result: Record<string, string>; said: string };

async function admin(on: BarePortal, args: string[], input = ''): Promise<Ran> {
  const child = spawn(process.execPath, [join(ROOT, 'server', 'admin.ts'), ...args], {
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_ENV: 'production',
      SALLYPORT_DATA_DIR: on.dataDir,
      DATABASE_URL: on.urls.url,
      MIGRATION_DATABASE_URL: on.urls.migrationUrl,
    },
  });
  child.stdin.end(input);
  const [out, said, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number, result: out ? (JSON.parse(out) as Record<string, string>) : {}, said };
}

async function me(on: BarePortal, token: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(`${on.origin}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

test('the first administrator, and a token of theirs', async () => {
  const added = await admin(portal, [
    'user',
    'add',
    '--email',
    'First@Example.com',
    '--name',
    'First',
    '--role',
    'admin',
  ]);
  expect(added).toMatchObject({
    code: 0,
    said: '',
    result: { email: 'first@example.com', password: expect.stringMatching(/^.{20}$/) },
  });
  const { result } = await admin(portal, ['token', 'create', '--email', 'first@example.com', '--name', 'script']);
  expect((await me(portal, result['token']!)).body).toMatchObject({ email: 'first@example.com', portal: 'admin' });
});

test('the way back in: a disabled administrator without password or group is let in again, and it is audited', async () => {
  await portal.sql`update users set disabled_at = now(), groups = '{}' where email = 'first@example.com'`;
  const again = await admin(
    portal,
    ['user', 'add', '--email', 'first@example.com', '--role', 'admin', '--password-stdin'],
    'the new long password\n',
  );
  expect(again).toMatchObject({ code: 0, result: { email: 'first@example.com' } });
  expect(again.result).not.toHaveProperty('password');
  const [row] = await portal.sql`select disabled_at, groups from users where email = 'first@example.com'`;
  expect(row).toEqual({ disabled_at: null, groups: ['sallyport-admins'] });
  const [event] = await portal.sql`select code, actor from audit_events order by id desc limit 1`;
  expect(event).toMatchObject({ code: 'user.updated', actor: expect.stringContaining('command on the server') });
});

test('a new password ends the sign-ins that the old one made, also in a running portal', async () => {
  const [user] = await portal.sql<{ id: string }[]>`select id from users where email = 'first@example.com'`;
  const { cookie } = await portal.signIn(user!.id);
  const status = async () => (await fetch(`${portal.origin}/api/v1/me`, { headers: { cookie } })).status;
  expect(await status()).toBe(200);
  await admin(portal, ['user', 'password', '--email', 'first@example.com']);
  await expect.poll(status, { timeout: 1_000 }).toBe(401);
});

test.each([
  [['user', 'add'], '', 2, 'user add needs --email'],
  [['user', 'add', '--email', 'x'], '', 1, 'is no email address'],
  [['user', 'add', '--email', 'a@b.c', '--role', 'nobody'], '', 1, 'no role "nobody"'],
  [['user', 'add', '--email', 'a@b.c', '--password-stdin'], 'short', 1, '12 to 1024 characters'],
  [['user', 'enable', '--email', 'nobody@example.com'], '', 1, 'no local user nobody@example.com'],
  [['token', 'create', '--email', 'first@example.com', '--name', 'x', '--scopes', 'root'], '', 1, 'Scopes are'],
  [['fly'], '', 2, 'Usage:'],
  [['user', 'add', '--emial', 'a@b.c'], '', 2, 'emial'],
] as const)('%j is refused with a sentence', async (args, input, code, sentence) => {
  const ran = await admin(portal, [...args], input);
  expect(ran.code).toBe(code);
  expect(ran.said).toContain(sentence);
  expect(ran.said).not.toContain('    at ');
});

test('a backup of a running portal, restored elsewhere, is the same portal', async () => {
  const file = join(folder, 'portal.backup');
  const { result: made } = await admin(portal, ['token', 'create', '--email', 'first@example.com', '--name', 'kept']);
  const taken = await admin(portal, ['backup', '--to', file]);
  expect(taken).toMatchObject({ code: 0, said: '' });
  expect(statSync(file).mode & 0o777).toBe(0o600);

  await using other = await startBarePortal();
  expect(await admin(other, ['restore', '--from', file])).toMatchObject({
    code: 1,
    said: expect.stringContaining('another portal'),
  });
  await other.stop('SIGTERM');
  expect(await admin(other, ['restore', '--from', file])).toMatchObject({
    code: 1,
    said: expect.stringContaining('not empty'),
  });

  // A new place: the tables as a first command makes them, and nothing in them.
  await using third = await startBarePortal();
  await third.stop('SIGKILL');
  await third.owner`truncate users, roles, settings, api_tokens, web_sessions, access_sessions, clusters, audit_events, replicas cascade`;
  const restored = await admin(third, ['restore', '--from', file]);
  expect(restored).toMatchObject({ code: 0, said: '' });
  cpSync(join(portal.dataDir, 'keys'), join(third.dataDir, 'keys'), { recursive: true, force: true });
  await using revived = await third.again();
  expect((await me(revived, made['token']!)).body).toMatchObject({ email: 'first@example.com', portal: 'admin' });
  const count = async (on: BarePortal) => (await on.sql`select count(*)::int as n from users`)[0]!['n'] as number;
  expect(await count(revived)).toBe(await count(portal));
  // New events get ids of their own.
  await revived.token((await revived.sql<{ id: string }[]>`select id from users limit 1`)[0]!.id, ['read']);
});
