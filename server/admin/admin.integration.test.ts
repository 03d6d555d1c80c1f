/** Commands on the server, as an operator runs them: the first administrator, a lock-out, a backup and its restoring. */
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { admin, spawnAdmin } from '../../e2e/admin-command.ts';
import { startBarePortal, type BarePortal } from '../../e2e/bare-portal.ts';
import { Sealer } from '../crypto/sealing.ts';

const DOCS = join(import.meta.dirname, '../../docs');
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
  const changed = await admin(portal, ['user', 'password', '--email', 'first@example.com']);
  expect(changed).toMatchObject({ code: 0, said: '' });
  expect(changed.result).not.toHaveProperty('unconfirmedReplicas');
  // The command ended once the portal had heard.
  expect(await status()).toBe(401);
});

test('a portal that lives and does not hear is told of', async () => {
  process.kill(portal.pid, 'SIGSTOP');
  const changed = await admin(portal, ['user', 'password', '--email', 'first@example.com']).finally(() =>
    process.kill(portal.pid, 'SIGCONT'),
  );
  expect(changed).toMatchObject({
    code: 0,
    result: { email: 'first@example.com', unconfirmedReplicas: 1 },
    said: expect.stringContaining('One portal that runs has not confirmed it within a second'),
  });
  expect(changed.said.trim().split('\n')).toHaveLength(1);
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

test('every metric that the documentation names is there', async () => {
  const shown = await (await fetch(`${portal.origin}/metrics`)).text();
  const docs = ['operations', 'security', 'performance'].map((name) => readFileSync(join(DOCS, `${name}.md`), 'utf8'));
  const named = [...new Set(docs.join('').match(/\bsallyport_[a-z_]+\b/g))];
  expect(named).toContain('sallyport_audit_journal_bytes');
  for (const name of named) expect(shown).toContain(`# TYPE ${name} `);
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

describe('a new master key', () => {
  const rotate = ['keys', 'rotate-master'];
  const cluster = randomUUID();
  let on: BarePortal;
  let first: Buffer;
  const kept = () =>
    readFileSync(join(on.dataDir, 'keys', 'master.key'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => Buffer.from(line, 'base64'));
  const seal = (key: Buffer, text: string, context: string) => new Sealer([key]).seal(text, context);
  /** What is sealed in the database, opened with these keys alone. */
  const opened = async (...keys: Buffer[]) => {
    const sealer = new Sealer(keys as [Buffer, ...Buffer[]]);
    const [row] = await on.sql<{ credential: Buffer }[]>`select credential from clusters where id = ${cluster}`;
    const [session] = await on.sql<{ id: string; host_secret: Buffer }[]>`select id, host_secret from access_sessions`;
    const authorities = await on.sql<{ key: string; value: { key: string } }[]>`
      select key, value from settings where key in ('sandbox-authority', 'client-authority')`;
    return [
      sealer.open(row!.credential, `cluster-credential:${cluster}`).toString(),
      sealer.open(session!.host_secret, `session-host:${session!.id}`).toString(),
      ...authorities.map(({ key, value }) =>
        sealer.open(Buffer.from(value.key, 'base64'), key).toString().slice(0, 27),
      ),
    ];
  };
  const all = ['credential', 'host secret', '-----BEGIN PRIVATE KEY-----', '-----BEGIN PRIVATE KEY-----'];

  beforeAll(async () => {
    on = await startBarePortal();
    first = kept()[0]!;
    const person = await on.person('sealed', []);
    const session = randomUUID();
    await on.owner`insert into clusters (id, name, production, namespace, server, ca, credential, managed)
      values (${cluster}, 'sealed', false, 'sallyport', 'https://203.0.113.1', '', ${seal(first, 'credential', `cluster-credential:${cluster}`)}, false)`;
    await on.owner`insert into access_sessions (id, user_id, cluster_id, role, channel, state, service_account, cluster_roles,
        namespaces, idle_ms, detached_ms, client_address, opened_at, last_input_at, hard_cap_at, cleanup_pending, host_secret)
      values (${session}, ${person.id}, ${cluster}, 'developer', 'terminal', 'ended', 'sp', '{}', '{}', 1, 1, '::1', now(), now(),
        now(), false, ${seal(first, 'host secret', `session-host:${session}`)})`;
  });
  afterAll(() => on[Symbol.asyncDispose]());

  test('is not made while a portal runs, on this data directory or on another one', async () => {
    expect(await admin(on, rotate)).toMatchObject({ code: 1, said: expect.stringContaining('another portal') });
    const elsewhere = { SALLYPORT_DATA_DIR: join(folder, 'elsewhere') };
    expect(await admin(on, rotate, '', elsewhere)).toMatchObject({
      code: 1,
      said: expect.stringContaining('1 other portal(s) on this database run'),
    });
    await on.stop('SIGTERM');
  });

  test('a crash in the middle loses nothing: both keys are kept, everything opens, and a portal starts', async () => {
    // The last record is held by somebody else: the command waits there, with the others replaced and not committed.
    await on.owner.begin(async (tx) => {
      await tx`select 1 from settings where key = 'sandbox-authority' for update`;
      const child = spawnAdmin(on, rotate);
      const ended = once(child, 'exit');
      await expect
        .poll(
          () =>
            on.sql`select 1 from pg_stat_activity where application_name = 'sallyport admin' and wait_event_type = 'Lock'`,
          { timeout: 10_000 },
        )
        .toHaveLength(1);
      child.kill('SIGKILL');
      await ended;
    });
    expect(kept()).toHaveLength(2);
    expect(kept()[1]!.equals(first)).toBe(true);
    expect(await opened(first)).toEqual(all);
    await using revived = await on.again();
    expect((await fetch(`${revived.origin}/healthz`)).status).toBe(200);
    await revived.stop('SIGTERM');
  });

  test('called again, it goes on: everything is under the new key, and the old one is gone and opens nothing', async () => {
    const [next] = kept();
    expect(await admin(on, rotate)).toMatchObject({ code: 0, said: '', result: { records: 4 } });
    expect(kept()).toEqual([next]);
    expect(statSync(join(on.dataDir, 'keys', 'master.key')).mode & 0o777).toBe(0o600);
    expect(await opened(next!)).toEqual(all);
    await expect(opened(first)).rejects.toThrow("not among the portal's");
    const [event] = await on.sql`select code, detail from audit_events order by id desc limit 1`;
    expect(event).toEqual({ code: 'keys.rotated', detail: { key: 'master', records: 4 } });
    await using revived = await on.again();
    expect((await fetch(`${revived.origin}/healthz`)).status).toBe(200);
    await revived.stop('SIGTERM');
  });

  test('a crash before the old key was dropped: called again, it drops it', async () => {
    const [current] = kept();
    const file = join(on.dataDir, 'keys', 'master.key');
    writeFileSync(file, `${current!.toString('base64')}\n${first.toString('base64')}\n`);
    expect(await admin(on, rotate)).toMatchObject({ code: 0, result: { records: 4 } });
    expect(kept()).toEqual([current]);
  });

  test('given by the environment: both are given until it is done', async () => {
    const [current] = kept();
    const next = randomBytes(32);
    const env = (...keys: Buffer[]) => ({ SALLYPORT_MASTER_KEY: keys.map((key) => key.toString('base64')).join(' ') });
    expect(await admin(on, rotate, '', env(current!))).toMatchObject({
      code: 1,
      said: expect.stringContaining('Put a new key before it'),
    });
    // Without the old key nothing opens, and nothing is changed.
    expect(await admin(on, rotate, '', env(next, randomBytes(32)))).toMatchObject({
      code: 1,
      said: expect.stringContaining('the credential of the cluster sealed does not open'),
    });
    expect(await admin(on, rotate, '', env(next, current!))).toMatchObject({ code: 0, result: { records: 4 } });
    expect(await opened(next)).toEqual(all);
  });

  test('a record that the command was never told of keeps the old key', async () => {
    const current = randomBytes(32);
    const keys = [randomBytes(32), current];
    await on.owner`update clusters set credential = ''`;
    await on.owner`update access_sessions set host_secret = null`;
    await on.owner`delete from settings where key in ('sandbox-authority', 'client-authority')`;
    const forgotten = { nested: { key: seal(current, 'x', 'y').toString('base64') } };
    await on.owner`insert into settings (key, value) values ('forgotten', ${on.owner.json(forgotten)})`;
    const env = { SALLYPORT_MASTER_KEY: keys.map((key) => key.toString('base64')).join('\n') };
    expect(await admin(on, rotate, '', env)).toMatchObject({
      code: 1,
      said: expect.stringContaining('The old key is kept: settings.value still needs it'),
    });
  });
});
