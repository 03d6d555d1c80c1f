/** What a portal process holds by itself: who is who, what a request may do, what a revocation does at once. */
import { connect } from 'node:net';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startBarePortal, type BarePortal } from '../e2e/bare-portal.ts';

let portal: BarePortal;
let admin: { id: string; email: string; cookie: string; webSession: string };
let member: { id: string; email: string; cookie: string; webSession: string };

async function join(name: string, groups: string[]) {
  const person = await portal.person(name, groups);
  return { ...person, ...(await portal.signIn(person.id)) };
}

beforeAll(async () => {
  portal = await startBarePortal();
  admin = await join('admin', ['sallyport-admins']);
  member = await join('member', ['sallyport-developers']);
});
afterAll(async () => {
  await portal[Symbol.asyncDispose]();
});

type Answer = { status: number; headers: Headers; body: Record<string, never> & { code?: string } };

async function call(path: string, init: RequestInit & { as?: { cookie: string } | string } = {}): Promise<Answer> {
  const headers = new Headers(init.headers);
  if (typeof init.as === 'string') headers.set('authorization', `Bearer ${init.as}`);
  else if (init.as) headers.set('cookie', init.as.cookie);
  if (init.method && typeof init.as !== 'string' && !headers.has('origin')) headers.set('origin', portal.origin);
  if (typeof init.body === 'string' && !headers.has('content-type')) headers.set('content-type', 'application/json');
  const response = await fetch(portal.origin + path, { ...init, headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} };
}

/** Bytes as they are; all that comes back until the portal closes. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(portal.origin).port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.write(bytes);
  });
}

test('the cookie, or a token, says who one is', async () => {
  expect((await call('/api/v1/me')).status).toBe(401);
  expect((await call('/api/v1/me', { as: admin })).body).toMatchObject({
    email: admin.email,
    portal: 'admin',
    proof: 'web-session',
  });
  const { token } = await portal.token(member.id, ['read']);
  expect((await call('/api/v1/me', { as: token })).body).toMatchObject({
    email: member.email,
    portal: 'member',
    proof: 'api-token',
  });
});

test('a bad token is not overlooked in favour of the cookie beside it', async () => {
  for (const authorization of ['Bearer sp_wrong', `Bearer sp_${'A'.repeat(43)}`, 'Basic YTpi', 'Bearer ', 'nonsense'])
    expect(await call('/api/v1/me', { as: admin, headers: { authorization } })).toMatchObject({
      status: 401,
      body: { code: 'token-invalid' },
    });
});

test('a cookie planted beside the real one signs nobody in', async () => {
  const planted = `${admin.cookie.split('=')[0]}=${'A'.repeat(43)}`;
  expect((await call('/api/v1/me', { headers: { cookie: `${admin.cookie}; ${planted}` } })).status).toBe(401);
});

test('each error is a problem with the correlation id of its log line', async () => {
  const { status, headers, body } = await call('/api/v1/nothing-here', { headers: { 'x-correlation-id': 'job-42' } });
  expect(status).toBe(404);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(headers.get('x-correlation-id')).toBe('job-42');
  expect(body).toMatchObject({ code: 'not-found', correlationId: 'job-42' });
  await expect.poll(() => portal.log()).toContain('"correlationId":"job-42"');
});

test('the trace goes on through the portal', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const { headers } = await call('/api/v1/me', { headers: { traceparent } });
  expect(headers.get('traceparent')).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-/);
});

test.each([
  ['another site', 'https://evil.example'],
  ['a site that begins like ours', 'suffix'],
  ['a sandboxed frame', 'null'],
  ['nobody', ''],
])('what changes state by cookie is refused from %s', async (_who, value) => {
  const origin = value === 'suffix' ? `${portal.origin}.evil.example` : value;
  const answer = await call('/api/v1/sign-out', { method: 'POST', as: member, headers: { origin } });
  expect(answer).toMatchObject({ status: 403, body: { code: 'cross-origin' } });
  expect((await call('/api/v1/me', { as: member })).status).toBe(200);
});

test('headers by which frameworks were fooled change nothing (CVE-2025-29927, CVE-2025-64484)', async () => {
  const fooling = {
    'x-middleware-subrequest': 'middleware:middleware:middleware:middleware:middleware',
    'x-forwarded-user': admin.email,
    'x-forwarded-email': admin.email,
    'x-forwarded-host': 'evil.example',
    'x-remote-user': admin.email,
    'x-http-method-override': 'DELETE',
    'x-original-url': '/healthz',
    x_forwarded_for: '127.0.0.1',
  };
  expect((await call('/api/v1/me', { headers: fooling })).status).toBe(401);
  expect((await call('/api/v1/users', { headers: fooling, as: member })).status).toBe(403);
});

test('X-Forwarded-For of a peer that is no trusted proxy is not believed', async () => {
  const { token } = await portal.token(admin.id, ['read', 'admin']);
  const made = await call('/api/v1/users', {
    method: 'POST',
    as: token,
    headers: { 'x-forwarded-for': '203.0.113.66', forwarded: 'for=203.0.113.66' },
    body: JSON.stringify({ email: 'forwarded@example.com', name: 'F', password: 'long enough for all' }),
  });
  expect(made.status).toBe(201);
  const seen = async () =>
    portal.sql`select client_address from audit_events where code = 'user.created' and detail->>'email' = 'forwarded@example.com'`;
  await expect.poll(seen).toEqual([{ client_address: '127.0.0.1' }]);
});

test('a token does what its scopes say, never more than its person may', async () => {
  const reading = await portal.token(admin.id, ['read']);
  const grand = await portal.token(member.id, ['read', 'sessions', 'admin']);
  const role = JSON.stringify({
    description: '',
    portal: 'admin',
    clusterRoles: [],
    namespaces: [],
    groups: ['x'],
    idleMs: 60_000,
    detachedMs: 0,
    hardCapMs: 60_000,
    maxSessions: 1,
  });
  const put = (as: string) => call('/api/v1/roles/sneaky', { method: 'PUT', as, body: role });
  expect(await put(reading.token)).toMatchObject({ status: 403, body: { code: 'token-scope' } });
  expect(await put(grand.token)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  expect(
    await call('/api/v1/me/tokens', {
      method: 'POST',
      as: grand.token,
      body: '{"name":"more","scopes":["read"],"days":1}',
    }),
  ).toMatchObject({
    status: 403,
    body: { code: 'needs-sign-in' },
  });
});

test('tokens are made, shown once, listed without their secret, and revoked by their owner alone', async () => {
  const made = await call('/api/v1/me/tokens', {
    method: 'POST',
    as: member,
    body: '{"name":"ci","scopes":["read"],"days":30}',
  });
  expect(made.status).toBe(201);
  const { id, token } = made.body as unknown as { id: string; token: string };
  expect(token).toMatch(/^sp_[A-Za-z0-9_-]{43}$/);
  const listed = await call('/api/v1/me/tokens', { as: member });
  expect(JSON.stringify(listed.body)).not.toContain(token);
  expect((await call(`/api/v1/me/tokens/${id}`, { method: 'DELETE', as: admin })).status).toBe(404);
  expect((await call('/api/v1/me', { as: token })).status).toBe(200);
  expect((await call(`/api/v1/me/tokens/${id}`, { method: 'DELETE', as: member })).status).toBe(204);
  expect((await call('/api/v1/me', { as: token })).status).toBe(401);
  const stored = await portal.sql`select * from api_tokens where id = ${id}`;
  expect(JSON.stringify(stored)).not.toContain(token.slice(3));
});

test('a revocation elsewhere holds at the next request here', async () => {
  const { id, token } = await portal.token(member.id, ['read']);
  expect((await call('/api/v1/me', { as: token })).status).toBe(200);
  await portal.replica.apiTokens.revoke({ userId: member.id, id }, { actorId: null, actor: 'test' });
  await expect
    .poll(async () => (await call('/api/v1/me', { as: token })).status, { timeout: 1_000, interval: 10 })
    .toBe(401);
});

test('signing out ends the sign-in at the next request, and clears the cookie', async () => {
  const person = await join('leaver', []);
  const out = await call('/api/v1/sign-out', { method: 'POST', as: person });
  expect(out.status).toBe(204);
  expect(out.headers.get('set-cookie')).toMatch(
    /^__Host-sallyport_[0-9a-f]{8}=; Path=\/; Max-Age=0; HttpOnly; Secure; SameSite=Lax$/,
  );
  expect((await call('/api/v1/me', { as: person })).status).toBe(401);
});

test('disabling a person ends sign-ins and tokens at once; enabling brings back neither', async () => {
  const person = await join('disabled', []);
  const { token } = await portal.token(person.id, ['read']);
  const patch = (body: object) =>
    call(`/api/v1/users/${person.id}`, { method: 'PATCH', as: admin, body: JSON.stringify(body) });
  expect((await call('/api/v1/me', { as: token })).status).toBe(200);
  expect((await call('/api/v1/me', { as: person })).status).toBe(200);
  expect((await patch({ disabled: true })).status).toBe(200);
  expect((await call('/api/v1/me', { as: token })).status).toBe(401);
  expect((await call('/api/v1/me', { as: person })).status).toBe(401);
  expect((await patch({ disabled: false })).status).toBe(200);
  expect((await call('/api/v1/me', { as: token })).status).toBe(401);
  expect((await call('/api/v1/me', { as: person })).status).toBe(401);
});

test('groups changed here count at the next request', async () => {
  const person = await join('promoted', []);
  expect((await call('/api/v1/users', { as: person })).status).toBe(403);
  await call(`/api/v1/users/${person.id}`, { method: 'PATCH', as: admin, body: '{"groups":["sallyport-admins"]}' });
  expect((await call('/api/v1/users', { as: person })).status).toBe(200);
  await call(`/api/v1/users/${person.id}`, { method: 'PATCH', as: admin, body: '{"groups":[]}' });
  expect((await call('/api/v1/users', { as: person })).status).toBe(403);
});

test('the last administrator, and the last role that administers, stay', async () => {
  const admins = await portal.sql<
    { id: string }[]
  >`select id from users where 'sallyport-admins' = any(groups) and disabled_at is null`;
  expect(admins).toHaveLength(1);
  expect(
    await call(`/api/v1/users/${admin.id}`, { method: 'PATCH', as: admin, body: '{"disabled":true}' }),
  ).toMatchObject({
    status: 409,
    body: { code: 'last-admin' },
  });
  expect(await call('/api/v1/roles/admin', { method: 'DELETE', as: admin })).toMatchObject({
    status: 409,
    body: { code: 'last-admin-role' },
  });
});

test('bodies have a bound, and must be what the route says', async () => {
  const post = (body: string) => call('/api/v1/me/tokens', { method: 'POST', as: member, body });
  expect(await post(`{"name":"${'x'.repeat(3_000_000)}"}`)).toMatchObject({
    status: 413,
    body: { code: 'body-too-large' },
  });
  expect(await post('{"name":')).toMatchObject({ status: 400 });
  expect(await post('{"name":"x","scopes":["root"],"days":1}')).toMatchObject({
    status: 400,
    body: { code: 'invalid-request' },
  });
  expect(await post('{"name":"x","scopes":["read"],"days":4000}')).toMatchObject({
    status: 400,
    body: { code: 'invalid-request' },
  });
});

const roleWith = (over: object) => ({
  description: '',
  portal: 'member',
  clusterRoles: [],
  namespaces: [],
  groups: [],
  idleMs: 60_000,
  detachedMs: 0,
  hardCapMs: 60_000,
  maxSessions: 1,
  ...over,
});

test.each<[string, string, string, object]>([
  [
    'a ClusterRole that would write into the manifest',
    'PUT',
    '/roles/evil',
    roleWith({ clusterRoles: ['x\n---\nkind: Pod'] }),
  ],
  ['a ClusterRole that leads elsewhere', 'PUT', '/roles/evil', roleWith({ clusterRoles: ['../clusterroles/x'] })],
  ['a namespace that leads elsewhere', 'PUT', '/roles/evil', roleWith({ namespaces: ['../kube-system'] })],
  ['a group with a line of its own', 'PUT', '/roles/evil', roleWith({ groups: ['x\nsystem:masters'] })],
  ['a role’s name in a path', 'PUT', '/roles/..%2fusers', roleWith({})],
  [
    'a person’s name for a terminal',
    'POST',
    '/users',
    { email: 'e@x.org', name: 'A\x1b[2J', password: 'long enough for all' },
  ],
  [
    'a name that reads as another',
    'POST',
    '/users',
    { email: 'e@x.org', name: '\u202enimda', password: 'long enough for all' },
  ],
  [
    'an email with a header of its own',
    'POST',
    '/users',
    { email: 'e@x.org\r\nBcc: y', name: 'A', password: 'long enough for all' },
  ],
  ['a token’s name of two lines', 'POST', '/me/tokens', { name: 'a\nb', scopes: ['read'], days: 1 }],
  ['what no text may hold', 'POST', '/me/tokens', { name: 'a\0b', scopes: ['read'], days: 1 }],
])('%s is refused', async (_what, method, path, body) => {
  const answer = await call(`/api/v1${path}`, { method, as: admin, body: JSON.stringify(body) });
  expect([400, 404]).toContain(answer.status);
  expect((await call('/api/v1/users?limit=100', { as: admin })).body['items']).not.toContainEqual(
    expect.objectContaining({ email: 'e@x.org' }),
  );
  expect(JSON.stringify((await call('/api/v1/roles', { as: admin })).body)).not.toContain('evil');
});

test('a character that no database holds is the asker’s mistake, and stops nothing', async () => {
  for (const path of ['/audit?actor=%00', '/users?cursor=AA', '/sessions?cluster=%00', '/clusters/%00'])
    expect((await call(`/api/v1${path}`, { as: admin })).status, path).toBeLessThan(500);
});

test('JSON changes no prototype and adds no field (CVE-2020-8203 and its kin)', async () => {
  const { id } = await portal.person('prototype', []);
  const body = `{"name":"P","__proto__":{"portal":"admin"},"constructor":{"prototype":{"portal":"admin"}},"portal":"admin","slug":"root"}`;
  const changed = await call(`/api/v1/users/${id}`, { method: 'PATCH', as: admin, body });
  expect(changed).toMatchObject({ status: 200, body: { name: 'P', slug: 'prototype', groups: [] } });
  const { cookie } = await portal.signIn(id);
  expect((await call('/api/v1/me', { as: { cookie } })).body).toMatchObject({ portal: 'member' });
  expect((await call('/api/v1/users', { as: { cookie } })).status).toBe(403);
});

test.each([
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain; application/json',
  '',
])('a body that a form of another page could send is not read as JSON: %s', async (type) => {
  const body = new Blob(['{"name":"form","scopes":["read"],"days":1}'], { type });
  for (const origin of [portal.origin, 'null']) {
    const headers: Record<string, string> = { origin, ...(type ? { 'content-type': type } : {}) };
    const { status } = await call('/api/v1/me/tokens', { method: 'POST', as: member, headers, body });
    expect(status).toBeGreaterThanOrEqual(400);
  }
  expect(JSON.stringify((await call('/api/v1/me/tokens', { as: member })).body)).not.toContain('"form"');
});

test('no other page embeds, frames, sniffs or keeps what the API answers', async () => {
  for (const path of ['/api/v1/me', '/api/v1/nothing', '/readyz', '/api/v1/openapi.json']) {
    const { headers } = await call(path, { as: admin, headers: { origin: 'https://evil.example' } });
    expect(Object.fromEntries(headers), path).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cache-control': 'no-store',
    });
    expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
  }
});

describe('requests that two readers could cut differently (RFC 9112, 6.3)', () => {
  const hidden = 'GET /api/v1/users HTTP/1.1\r\nHost: x\r\n\r\n';
  test.each([
    ['two lengths', `Content-Length: 0\r\nContent-Length: ${hidden.length}`, hidden],
    ['a length and chunks', `Content-Length: ${hidden.length + 5}\r\nTransfer-Encoding: chunked`, `0\r\n\r\n${hidden}`],
    ['a coding that is none', 'Transfer-Encoding: xchunked', hidden],
    ['a coding twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', `0\r\n\r\n${hidden}`],
    ['a folded header', `X: y\r\n Content-Length: 5`, hidden],
    ['a space before the colon', `Content-Length : ${hidden.length}`, hidden],
    ['a length in hex', 'Content-Length: 0x0', hidden],
    ['a line feed alone', 'X: y\nContent-Length: 0', hidden],
    ['chunks with junk', 'Transfer-Encoding: chunked', `0 junk\r\n\r\n${hidden}`],
  ])('%s: one refusal, and nothing behind it is read', async (_what, headers, body) => {
    for (const path of ['/api/v1/sign-out', '/api/auth/signin/oidc']) {
      const said = await raw(
        `POST ${path} HTTP/1.1\r\nHost: ${new URL(portal.origin).host}\r\nOrigin: ${portal.origin}\r\nCookie: ${admin.cookie}\r\n${headers}\r\n\r\n${body}`,
      );
      expect(said.match(/HTTP\/1\.1 \d{3}/g) ?? []).toSatisfy(
        (answers: string[]) => answers.length <= 1 && answers.every((answer) => /4\d\d$/.test(answer)),
      );
    }
    expect((await call('/api/v1/me', { as: admin })).status).toBe(200);
  });
});

test('the OpenAPI document names every route and no more', async () => {
  const { body } = await call('/api/v1/openapi.json');
  const { paths, openapi } = body as unknown as { paths: Record<string, object>; openapi: string };
  expect(openapi).toBe('3.1.0');
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining(['/api/v1/me', '/api/v1/roles/{name}', '/api/v1/users/{id}', '/api/v1/sign-out']),
  );
});

const socketAt = '/api/v1/sessions/00000000-0000-4000-8000-000000000000/terminal';

function handshake(options: { origin?: string; cookie?: string; path?: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = options.cookie ? { cookie: options.cookie } : {};
    const socket = new WebSocket(
      `${portal.origin.replace('http', 'ws')}${options.path ?? socketAt}`,
      ['sallyport.v1'],
      {
        headers,
        ...(options.origin === undefined ? {} : { origin: options.origin }),
      },
    );
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('error', reject);
  });
}

test('sockets open to our own pages with a live sign-in only (CVE-2026-44985, CVE-2019-13209)', async () => {
  const cookie = member.cookie;
  expect(await handshake({ cookie, origin: 'https://evil.example' })).toBe(403);
  expect(await handshake({ cookie, origin: 'null' })).toBe(403);
  expect(await handshake({ cookie })).toBe(403);
  expect(await handshake({ origin: portal.origin })).toBe(401);
  expect(await handshake({ cookie, origin: portal.origin, path: '/api/v1/other' })).toBe(404);
  expect(await handshake({ cookie, origin: portal.origin, path: '/api/v1/sessions/%E0%A4%A/terminal' })).toBe(404);
});

test('nothing that follows a refused handshake on its connection is read (CVE-2018-1002105)', async () => {
  const said = await raw(
    `GET ${socketAt} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\norigin: https://evil.example\r\ncookie: ${admin.cookie}\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n` +
      `GET /api/v1/me HTTP/1.1\r\nhost: x\r\ncookie: ${admin.cookie}\r\n\r\n`,
  );
  expect(said).toContain('HTTP/1.1 403');
  expect(said.match(/HTTP\/1\.1/g)).toHaveLength(1);
});

test('a page is told of the portal’s address where it is asked for by another name', async () => {
  const asked = await new Promise<number>((resolve, reject) => {
    const { port } = new URL(portal.origin);
    httpRequest({ port, host: '127.0.0.1', headers: { host: 'evil.example' } }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on('error', reject)
      .end();
  });
  expect(asked).toBe(421);
});

test('while web is away a plain page says so, and the rest works', async () => {
  const page = await fetch(`${portal.origin}/clusters`);
  expect(page.status).toBe(503);
  expect(page.headers.get('refresh')).toBe('3');
  expect(page.headers.get('content-security-policy')).not.toContain('unsafe-inline');
  expect(await page.text()).toContain('open sessions keep running');
  const ready = (await (await fetch(`${portal.origin}/readyz`)).json()) as {
    ready: boolean;
    components: Record<string, { ok: boolean }>;
  };
  expect(ready.components['database']).toEqual({ ok: true, message: null });
  expect(ready.components['web']!.ok).toBe(false);
  expect(ready.ready).toBe(false);
});

test('no token, cookie or password is in the log', async () => {
  const { token } = await portal.token(member.id, ['read']);
  await call('/api/v1/me', { as: token });
  await call('/api/v1/me', { as: member });
  await call(`/api/v1/users?cursor=${token}`, { as: admin });
  await call('/api/v1/users', {
    method: 'POST',
    as: admin,
    body: '{"email":"x","name":"","password":"hunter2hunter2"}',
  });
  await call('/api/v1/me', { headers: { 'x-correlation-id': 'the-last-one' } });
  await expect.poll(() => portal.log()).toContain('the-last-one');
  const log = portal.log();
  for (const secret of [token.slice(3), member.cookie.split('=')[1]!, admin.cookie.split('=')[1]!, 'hunter2hunter2'])
    expect(log).not.toContain(secret);
});

test('the portal’s role adds to the audit log and reads it; it changes no event and no table', async () => {
  const { sql } = portal;
  const refused = { code: '42501' };
  await expect(sql`update audit_events set actor = 'nobody'`).rejects.toMatchObject(refused);
  await expect(sql`delete from audit_events`).rejects.toMatchObject(refused);
  await expect(sql`truncate audit_events`).rejects.toMatchObject(refused);
  await expect(sql`drop table audit_events`).rejects.toMatchObject(refused);
  await expect(sql`alter table users add column x text`).rejects.toMatchObject(refused);
  await expect(sql`create table public.x (a int)`).rejects.toMatchObject(refused);
  expect((await sql`select count(*)::int as n from audit_events`)[0]!['n']).toBeGreaterThan(0);
});
