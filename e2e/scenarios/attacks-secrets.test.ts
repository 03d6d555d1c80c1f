/**
 * What a thief gets: a copy of the database, of the data directory's modes, of the log at its most talkative, after a
 * stay that used every kind of secret.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { TOKEN_FILE } from '../../protocol/sandbox.ts';
import { Sealer } from '../../server/crypto/sealing.ts';
import type { IdentityProvider } from '../idp/idp.ts';
import { until } from '../machine/until.ts';
import { TestPortal } from '../portal.ts';
import { RoundTrip } from '../round-trip.ts';
import { signInAtProvider } from '../sign-in.ts';
import { testCluster, testIdentityProvider } from '../use.ts';

const PASSWORD = `correct horse ${randomBytes(6).toString('hex')}`;
const TYPED = `typed-${randomBytes(8).toString('hex')}`;
const SECRET_VALUE = `value-${randomBytes(8).toString('hex')}`;

let portal: TestPortal;
let provider: IdentityProvider;
/** By what they are; none may be anywhere but with whom they were given to. */
const secrets = new Map<string, string>();

beforeAll(async () => {
  provider = await testIdentityProvider();
  portal = await TestPortal.start({
    env: {
      SALLYPORT_WEB_URL: '',
      SALLYPORT_OIDC_ISSUER: provider.issuer,
      SALLYPORT_OIDC_CLIENT_ID: provider.clientId,
      SALLYPORT_OIDC_CLIENT_SECRET: provider.clientSecret,
    },
  });
  await until(async () => (await fetch(`${portal.url}/sign-in`)).ok, { within: 60_000, what: 'the pages' });
  await stay();
});
afterAll(() => portal?.[Symbol.asyncDispose]());

/** Signs in in each way, makes a token, registers a cluster, works in a shell, types a password, leaves. */
async function stay(): Promise<void> {
  secrets.set('administrator’s API token', portal.adminToken.slice(3));
  secrets.set('client secret at the provider', provider.clientSecret);
  secrets.set('password at the provider', provider.people[0]!.password);

  const browser = new RoundTrip();
  const { code } = await signInAtProvider(browser, portal.url, provider.people[0]!);
  secrets.set('authorization code', code);
  const cookie = browser.cookie(portal.url, '__Host-sallyport_')!;
  secrets.set('session cookie', cookie);
  expect((await browser.go(`${portal.url}/api/v1/me`)).status).toBe(200);

  await portal.admin('POST', '/users', { email: 'local@example.com', name: 'L', password: PASSWORD });
  secrets.set('local password', PASSWORD);
  for (const password of [PASSWORD, `${PASSWORD}!`]) {
    const other = new RoundTrip();
    const { csrfToken } = JSON.parse((await other.go(`${portal.url}/api/auth/csrf`)).body) as { csrfToken: string };
    const form = { csrfToken, email: 'local@example.com', password, callbackUrl: '/', json: 'true' };
    const answer = await other.go(`${portal.url}/api/auth/callback/credentials`, form);
    expect(answer.status).toBe(password === PASSWORD ? 200 : 401);
    if (password === PASSWORD) secrets.set('local user’s cookie', other.cookie(portal.url, '__Host-sallyport_')!);
  }

  const kubeconfig = parse(readFileSync((await testCluster()).kubeconfig, 'utf8')) as {
    users: { user: Record<string, string> }[];
  };
  const key = kubeconfig.users[0]!.user['client-key-data']!;
  secrets.set('key of the uploaded kubeconfig', key.slice(60, 120));
  secrets.set('the same, decoded', Buffer.from(key, 'base64').toString().split('\n')[2]!);

  const ann = await portal.visitor();
  secrets.set('web session', ann.cookie.split('=')[1]!);
  const made = await ann.api<{ token: string }>('POST', '/me/tokens', { name: 'x', scopes: ['read'], days: 1 });
  secrets.set('API token', made.token.slice(3));
  const { id, terminal } = await ann.open();
  await terminal.shows(/\$ $/);
  const ticket = (await ann.api<{ ticket: string }>('POST', `/sessions/${id}/ticket`)).ticket;
  secrets.set('ticket', ticket);
  secrets.set('credential of the shell', (await terminal.run(`cat ${TOKEN_FILE}`)).trim());
  await terminal.run(`kubectl create secret generic stolen --from-literal=k=$(printf %s ${SECRET_VALUE}) -o name`);
  secrets.set('value of a Secret', SECRET_VALUE);
  secrets.set('the same, as Kubernetes has it', Buffer.from(SECRET_VALUE).toString('base64').replace(/=+$/, ''));
  await terminal.run('kubectl get secret stolen -o yaml > /dev/null; kubectl delete secret stolen');
  terminal.type('read -s typed\r');
  await terminal.shows(/read -s typed\r\n/);
  await terminal.run(`${TYPED}\recho`);
  secrets.set('password typed at a prompt', TYPED);
  // Requests that carry secrets where they do not belong, and fail.
  await fetch(`${portal.url}/api/v1/me?token=sp_${secrets.get('API token')}`);
  await fetch(`${portal.url}/api/v1/sessions/${ticket}`, { headers: { cookie: ann.cookie } });
  await fetch(`${portal.url}/api/v1/me`, { headers: { authorization: `Bearer sp_${secrets.get('API token')}x` } });
  await ann.api('POST', `/sessions/${id}/end`);
  await portal.ended(id);
  for (const [what, secret] of secrets) expect(secret?.length, what).toBeGreaterThanOrEqual(8);
}

/** Every cell of every table, columns of bytes as they are and by their bits. */
async function dump(): Promise<{ text: string; bytes: Buffer }> {
  const tables = await portal.sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`;
  const cells: (string | Buffer)[] = [];
  for (const { name } of tables)
    for (const row of await portal.sql.unsafe<Record<string, unknown>[]>(`select * from ${name}`))
      for (const cell of Object.values(row)) cells.push(Buffer.isBuffer(cell) ? cell : (JSON.stringify(cell) ?? ''));
  expect(cells.length).toBeGreaterThan(200);
  const bytes = Buffer.concat(cells.map((cell) => Buffer.from(cell)));
  return { text: `${bytes.toString('latin1')}\n${bytes.toString()}`, bytes };
}

describe('a stolen database', () => {
  it('holds none of the secrets in clear, nor anything of their shape', async () => {
    const { text } = await dump();
    for (const [what, secret] of secrets) expect(text.includes(secret), what).toBe(false);
    expect(text).not.toMatch(/PRIVATE KEY|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.|\bsp_[A-Za-z0-9_-]{43}/);
    for (const match of text.matchAll(/\$argon2[a-z]*/g)) expect(match[0]).toBe('$argon2id');
  });

  it('its sealed values open with the master key alone, and in their own place alone', async () => {
    const { bytes } = await dump();
    const [cluster] = await portal.sql<{ id: string; credential: Buffer }[]>`select id, credential from clusters`;
    const file = readFileSync(join(portal.dataDir, 'keys', 'master.key'), 'utf8').trim();
    const master = Buffer.from(file, 'base64');
    expect(bytes.includes(master) || bytes.includes(file)).toBe(false);
    const context = `cluster-credential:${cluster!.id}`;
    const open = (key: Buffer, place: string) => new Sealer([key]).open(cluster!.credential, place);
    expect(() => open(randomBytes(32), context)).toThrow(/open|unseal|key/i);
    expect(() => open(master, 'cluster-credential:another')).toThrow(/open|unseal|key/i);
    expect(open(master, context).toString()).toContain('PRIVATE KEY');
  });

  it('what is stored of a cookie or a token is no cookie and no token', async () => {
    const name = `__Host-sallyport_${(await portal.id()).slice(0, 8)}`;
    const stored = await portal.sql<{ hash: Buffer }[]>`
      select token_hash as hash from web_sessions union all select token_hash from api_tokens`;
    expect(stored.length).toBeGreaterThan(3);
    for (const { hash } of stored)
      for (const form of [hash.toString('base64url'), hash.toString('hex')]) {
        const asked = (headers: Record<string, string>) => fetch(`${portal.url}/api/v1/me`, { headers });
        expect((await asked({ cookie: `${name}=${form}` })).status).toBe(401);
        expect((await asked({ authorization: `Bearer sp_${form}` })).status).toBe(401);
      }
  });
});

describe('the data directory', () => {
  it('keys, journal and recordings are the portal’s own to read', () => {
    const open: string[] = [];
    const walk = (folder: string): void => {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name);
        // Sockets are for the container's user; the folders around them are closed.
        if (entry.isSocket() || path === portal.log) continue;
        const mode = statSync(path).mode & 0o777;
        if (entry.isFile() && mode & 0o077) open.push(`${path} ${mode.toString(8)}`);
        if (entry.isDirectory()) walk(path);
      }
    };
    for (const folder of ['keys', 'audit', 'recordings', 'run/s'])
      expect(statSync(join(portal.dataDir, folder)).mode & 0o077, folder).toBe(0);
    walk(join(portal.dataDir, 'keys'));
    expect(open).toEqual([]);
  });

  it('recordings hold what was shown, and no password that was typed without echo', () => {
    const files = readdirSync(join(portal.dataDir, 'recordings'), { recursive: true, withFileTypes: true });
    const all = files.filter((file) => file.isFile()).map((file) => readFileSync(join(file.parentPath, file.name)));
    const text = Buffer.concat(all).toString('latin1');
    expect(text).toContain('read -s typed');
    // The shell's own short-lived credential is in it: the person had it shown.
    for (const what of [...secrets.keys()].filter(
      (one) => one !== 'credential of the shell' && !/Secret|same, as/.test(one),
    ))
      expect(text.includes(secrets.get(what)!), what).toBe(false);
  });
});

it('no answer of the API and no page holds one of them, whoever asks', async () => {
  const admin = { authorization: `Bearer ${portal.adminToken}` };
  const browser = { cookie: `__Host-sallyport_${(await portal.id()).slice(0, 8)}=${secrets.get('web session')}` };
  const ask = async (path: string, headers: Record<string, string>) =>
    (await fetch(portal.url + path, { headers })).text();
  const { paths } = JSON.parse(await ask('/api/v1/openapi.json', {})) as { paths: Record<string, { get?: object }> };
  const lists = Object.entries(paths).flatMap(([path, { get }]) => (get && !path.includes('{') ? [path] : []));
  expect(lists).toEqual(expect.arrayContaining(['/api/v1/audit', '/api/v1/clusters', '/api/v1/me', '/api/v1/users']));
  const [session] = await portal.sql<{ id: string }[]>`select id from access_sessions`;
  // The recording itself shows what the person had shown: their own credential, when they asked for it.
  const one = [`/api/v1/sessions/${session!.id}`, `/api/v1/sessions/${session!.id}/calls`, '/api/v1/clusters/test'];
  const pages = [
    '/',
    '/sessions',
    `/sessions/${session!.id}`,
    '/clusters',
    '/clusters/test',
    '/audit',
    '/roles',
    '/users',
    '/account',
  ];
  let bytes = 0;
  for (const headers of [admin, browser, {}] as Record<string, string>[])
    for (const path of [...lists, ...one, ...pages, '/readyz', '/metrics']) {
      const text = await ask(path, headers);
      bytes += text.length;
      for (const [what, secret] of secrets) expect(text.includes(secret), `${what} in ${path}`).toBe(false);
      expect(text, path).not.toMatch(/PRIVATE KEY-----|\$argon2|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\./);
    }
  expect(bytes).toBeGreaterThan(50_000);
});

it.each([
  '//evil.example',
  '//evil.example/',
  '/\\evil.example/',
  '/%5cevil.example/',
  '/%2f%2fevil.example/',
  '/a//evil.example/..',
  '/.//evil.example/',
  '/sign-in?return=//evil.example',
  '/sign-in?return=https://evil.example',
])('no address of ours leads to another host: %s', async (path) => {
  for (const cookie of ['', `__Host-sallyport_${(await portal.id()).slice(0, 8)}=${secrets.get('web session')}`]) {
    const { status, location } = await asIs(path, cookie);
    expect(status).toBeLessThan(500);
    if (location !== undefined) expect(new URL(location, portal.url).origin).toBe(portal.url);
  }
});

/** By node:http: fetch would tidy the path. */
function asIs(path: string, cookie: string): Promise<{ status: number; location: string | undefined }> {
  const { port, host } = new URL(portal.url);
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers: { host, ...(cookie ? { cookie } : {}) } }, (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode!, location: answer.headers.location });
    })
      .on('error', reject)
      .end();
  });
}

it('pages come with a policy that runs no script without the answer’s own nonce', async () => {
  const nonces = new Set<string>();
  for (const path of [
    '/sign-in',
    '/',
    '/sessions',
    '/nothing-here',
    '/sign-in?error=%3Cscript%3Ealert(1)%3C/script%3E',
  ]) {
    const page = await fetch(portal.url + path);
    const policy = page.headers.get('content-security-policy')!;
    const scripts = /script-src ([^;]*)/.exec(policy)![1]!;
    expect(scripts).not.toMatch(/unsafe-inline|unsafe-eval|\*|https?:/);
    const nonce = /'nonce-([^']+)'/.exec(scripts)![1]!;
    nonces.add(nonce);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toMatch(/^default-src 'none';/);
    const html = await page.text();
    for (const [tag] of html.matchAll(/<script\b[^>]*>/g)) expect(tag).toContain(`nonce="${nonce}"`);
    expect(html).not.toContain('<script>alert(1)');
  }
  expect(nonces.size).toBe(5);
});

it('the log, at its most talkative, holds no secret of the whole stay', async () => {
  await portal.restart();
  const log = readFileSync(portal.log, 'utf8');
  expect(log.split('\n').length).toBeGreaterThan(30);
  expect(log).toContain('"level":"debug"');
  for (const [what, secret] of secrets) expect(log.includes(secret), what).toBe(false);
  expect(log).not.toMatch(/PRIVATE KEY-----\\?n[A-Za-z0-9]|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\./);
});
