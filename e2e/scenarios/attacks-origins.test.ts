/**
 * Attacks on the proxy domain: the way in at a service's origin, its cookie, other pages of the same browser, and what
 * crosses. Each case names the rule that it answers (docs/security.md) or the hole that it is the kin of. Long,
 * as a list of attacks is.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { request, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IssuedLink, OpenedService, Service } from '../../server/http/schemas.ts';
import { type Dashboard, startDashboard } from '../dashboard.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { issueKubeconfig } from '../own-tools.ts';
import { CLUSTER, TestPortal, type Visitor } from '../portal.ts';

let portal: TestPortal;
let namespace: string;
let board: Dashboard;
let other: Dashboard;
let ann: Visitor;
let bob: Visitor;
let baseline = 0;
beforeAll(async () => {
  portal = await TestPortal.start();
  namespace = `origins-${(await portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
  [board, other] = await Promise.all([startDashboard(namespace), startDashboard(namespace, 'other')]);
  const role = await portal.role({ clusterRoles: ['admin'] });
  [ann, bob] = [await portal.visitor([role]), await portal.visitor([role])];
  // As many at once as any attack has: what is kept for the next call is open from now on.
  const { origin, entry } = await enter(ann);
  const headers = { cookie: cookie({ [ENTRY]: entry }) };
  await Promise.all(Array.from({ length: 12 }, () => send(`${origin}/about`, { headers })));
  const code = 'x'.repeat(43);
  const guess = () => send(`${origin}/.sallyport/enter?code=${code}`, { from: '127.0.0.4' });
  await Promise.all(Array.from({ length: 100 }, guess));
  // This process's own connections are kept too.
  await Promise.all(Array.from({ length: 6 }, () => ann.api('GET', '/me')));
  baseline = portal.sockets();
});
afterAll(async () => {
  try {
    // None of all that was tried leaves a socket open, by the kernel's count.
    if (baseline) await portal.socketsBack(baseline);
  } finally {
    await board?.[Symbol.asyncDispose]();
    await other?.[Symbol.asyncDispose]();
    if (namespace) await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
    await portal?.[Symbol.asyncDispose]();
  }
});

type Answer = { status: number; headers: IncomingHttpHeaders; cookies: Record<string, string>; body: string };
/** `from`: another machine's address, as far as this one has several. */
type Sent = { method?: string; host?: string; headers?: Record<string, string>; body?: string; from?: string };

/** As a browser sends it to an address, which here is the machine's own. */
function send(address: string, { method = 'GET', host, headers = {}, body, from }: Sent = {}): Promise<Answer> {
  const url = new URL(address);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        ...(from ? { localAddress: from } : {}),
        port: url.port,
        method,
        path: url.pathname + url.search,
        headers: { host: host ?? url.host, ...headers },
        agent: false,
      },
      async (answer) => {
        const set = answer.headers['set-cookie'] ?? [];
        const cookies = Object.fromEntries(set.map((one) => /^([^=]*)=([^;]*)/.exec(one)!.slice(1, 3)));
        resolve({ status: answer.statusCode!, headers: answer.headers, cookies, body: await text(answer) });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const target = (name = 'board') => ({ cluster: CLUSTER, namespace, name, port: '80' });
const cookie = (all: Record<string, string>) =>
  Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
const ENTRY = '__Host-sallyport-entry';
const NONCE = '__Host-sallyport-nonce';

/** Up to the code: what the browser holds then, and where it would go. */
async function begin(person: Visitor, name?: string): Promise<{ nonce: string; code: string; url: string }> {
  const { url } = await person.api<OpenedService>('POST', '/services', target(name));
  const marked = await send(url);
  expect(marked.status).toBe(303);
  const onward = await send(marked.headers.location!, { headers: { cookie: person.cookie } });
  expect(onward.status).toBe(303);
  const enter = new URL(onward.headers.location!);
  return { nonce: marked.cookies[NONCE]!, code: enter.searchParams.get('code')!, url: enter.href };
}

async function enter(person: Visitor, name?: string): Promise<{ origin: string; entry: string }> {
  const { nonce, url } = await begin(person, name);
  const inside = await send(url, { headers: { cookie: cookie({ [NONCE]: nonce }) } });
  expect(inside).toMatchObject({ status: 303, headers: { location: '/' } });
  return { origin: new URL(url).origin, entry: inside.cookies[ENTRY]! };
}

const code = ({ headers }: Answer) => headers['x-sallyport-error-code'];

describe('the way in', () => {
  it('leads in, and its cookies are closed to scripts, to http, to other hosts and to foreign pages', async () => {
    const { url } = await ann.api<OpenedService>('POST', '/services', target());
    const marked = await send(url);
    for (const set of marked.headers['set-cookie']!)
      expect(set).toMatch(/^__Host-.*; Path=\/; Max-Age=\d+; HttpOnly; Secure; SameSite=Lax$/);
    const { origin, entry } = await enter(ann);
    expect(await send(`${origin}/about`, { headers: { cookie: cookie({ [ENTRY]: entry }) } })).toMatchObject({
      status: 200,
      body: expect.stringContaining('About'),
    });
  });

  it('a code works once, in the browser that began, and a wrong try uses it up (RFC 6749, 10.5)', async () => {
    const used = await begin(ann);
    const headers = { cookie: cookie({ [NONCE]: used.nonce }) };
    expect((await send(used.url, { headers })).status).toBe(303);
    expect(code(await send(used.url, { headers }))).toBe('entry-refused');
    const stolen = await begin(ann);
    expect(code(await send(stolen.url))).toBe('entry-refused');
    expect(code(await send(stolen.url, { headers: { cookie: cookie({ [NONCE]: stolen.nonce }) } }))).toBe(
      'entry-refused',
    );
    const another = await begin(ann);
    const mine = await begin(bob);
    // Login CSRF: the attacker's own code in somebody else's browser.
    expect(code(await send(another.url, { headers: { cookie: cookie({ [NONCE]: mine.nonce }) } }))).toBe(
      'entry-refused',
    );
  });

  it('a code is of one origin', async () => {
    const { nonce, code: secret } = await begin(ann);
    const elsewhere = await begin(ann, 'other');
    const url = new URL(elsewhere.url);
    url.searchParams.set('code', secret);
    expect(code(await send(url.href, { headers: { cookie: cookie({ [NONCE]: nonce }) } }))).toBe('entry-refused');
  });

  it('a code and an intent are over in their time', async () => {
    const late = await begin(ann);
    await portal.sql`update entries set expires_at = now() - interval '1 second'`;
    expect(code(await send(late.url, { headers: { cookie: cookie({ [NONCE]: late.nonce }) } }))).toBe('entry-refused');
    const { url } = await ann.api<OpenedService>('POST', '/services', target());
    const marked = await send(url);
    await portal.sql`update entries set expires_at = now() - interval '1 second'`;
    const onward = await send(marked.headers.location!, { headers: { cookie: ann.cookie } });
    expect(onward).toMatchObject({ status: 403, body: expect.stringContaining('entry-refused') });
  });

  it('an intent is of the sign-in that asked: nobody else’s browser follows it, nor twice', async () => {
    const { url } = await ann.api<OpenedService>('POST', '/services', target());
    const marked = await send(url);
    const at = marked.headers.location!;
    expect((await send(at, { headers: { cookie: bob.cookie } })).status).toBe(403);
    const elsewhere = await ann.again();
    expect((await send(at, { headers: { cookie: elsewhere.cookie } })).status).toBe(403);
    expect((await send(at, { headers: { authorization: `Bearer ${portal.adminToken}` } })).headers.location).toMatch(
      /^\/sign-in\?/,
    );
    expect((await send(at)).headers.location).toMatch(/^\/sign-in\?/);
    expect((await send(at, { headers: { cookie: ann.cookie } })).status).toBe(303);
    expect((await send(at, { headers: { cookie: ann.cookie } })).status).toBe(403);
  });

  it('who tries many codes is slowed down, by address', async () => {
    const { origin } = new URL((await ann.api<OpenedService>('POST', '/services', target())).url);
    const guess = (from = '127.0.0.2') =>
      send(`${origin}/.sallyport/enter?code=${randomBytes(32).toString('base64url')}`, { from });
    const answers = await Promise.all(Array.from({ length: 300 }, () => guess()));
    expect(answers.filter((answer) => code(answer) === 'rate-limited').length).toBeGreaterThan(20);
    expect(answers.every(({ status }) => status === 403 || status === 429)).toBe(true);
    // Nobody else is.
    expect(code(await guess('127.0.0.3'))).toBe('entry-refused');
    await until(async () => code(await guess()) === 'entry-refused', { what: 'the next try' });
  });

  it('a program opens none: an API token is no browser', async () => {
    await expect(portal.admin('POST', '/services', target())).rejects.toMatchObject({ code: 'needs-sign-in' });
  });

  it.each([
    ['a name with a path', { name: 'board/../../secrets' }],
    ['a namespace with a path', { namespace: 'a/b' }],
    ['a name with a scheme', { name: 'https:board' }],
    ['a port with a path', { port: '80/proxy' }],
    ['a path of another host', { path: '//evil.example/' }],
    ['a path of another host, by a backslash', { path: '/\\evil.example/' }],
    ['a path with a line', { path: '/a\r\nset-cookie: a=b' }],
    ['an address as a path', { path: 'https://evil.example/' }],
  ])('is not asked for with %s', async (_, change) => {
    await expect(ann.api('POST', '/services', { ...target(), ...change })).rejects.toMatchObject({
      code: 'invalid-request',
    });
  });
});

describe('the cookie', () => {
  it('is of one origin, of one kind, and of this portal', async () => {
    const { origin, entry } = await enter(ann);
    const beside = await enter(ann, 'other');
    const kubeconfig = await issueKubeconfig(ann);
    const link = await ann.api<IssuedLink>('POST', '/links', { name: 'l', cluster: CLUSTER, paths: ['/**'] });
    const [head, claims] = entry.split('.') as [string, string];
    const forged = `${head}.${claims}.${randomBytes(64).toString('base64url')}`;
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`;
    for (const token of [beside.entry, kubeconfig.token, link.token, forged, none, 'x', ''])
      expect(code(await send(`${origin}/about`, { headers: { cookie: cookie({ [ENTRY]: token }) } }))).toBe(
        'entry-missing',
      );
    // Planted beside the true one: nobody knows which it is.
    expect(code(await send(`${origin}/`, { headers: { cookie: `${ENTRY}=${entry}; ${ENTRY}=${beside.entry}` } }))).toBe(
      'entry-missing',
    );
    // Neither as a bearer, anywhere.
    const bearer = { authorization: `Bearer ${entry}` };
    expect(code(await send(`${origin}/about`, { headers: bearer }))).toBe('entry-missing');
    expect((await send(`${portal.url}/api/v1/me`, { headers: bearer })).status).toBe(401);
    expect((await send(`${portal.url}/api/v1/me`, { headers: { cookie: cookie({ [ENTRY]: entry }) } })).status).toBe(
      401,
    );
  });

  it('opens nothing of the portal’s at a service’s origin, and nothing of a service’s at the portal', async () => {
    const { origin, entry } = await enter(ann);
    const seen = board.seen.length;
    const all = `${ann.cookie}; ${cookie({ [ENTRY]: entry })}`;
    for (const path of [
      '/api/v1/me',
      '/api/v1/clusters',
      '/metrics',
      '/readyz',
      '/healthz',
      '/sign-in',
      '/oauth/token',
    ])
      expect(await send(origin + path, { headers: { cookie: all } })).toMatchObject({ status: 404, body: 'no' });
    // They went to the dashboard, as paths of its own, and without a cookie of ours.
    expect(board.seen.slice(seen).map(({ line }) => line)).toContain('GET /api/v1/me');
    expect(board.seen.slice(seen).filter(({ headers }) => headers.cookie !== undefined)).toEqual([]);
    expect((await send(`${portal.url}/about`, { headers: { cookie: all } })).body).not.toContain('About');
  });

  it('ends with the sign-in, at the next request', async () => {
    const visitor = await ann.again();
    const { origin, entry } = await enter(visitor);
    const headers = { cookie: cookie({ [ENTRY]: entry }) };
    expect((await send(`${origin}/about`, { headers })).status).toBe(200);
    await visitor.api('POST', '/sign-out');
    expect(await send(`${origin}/about`, { headers })).toMatchObject({ status: 401 });
    const visit = { ...headers, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' };
    const led = await send(`${origin}/about?x=1`, { headers: visit });
    expect(led.status).toBe(303);
    const to = new URL(led.headers.location!);
    expect(to.origin).toBe(portal.url);
    expect(Object.fromEntries(to.searchParams)).toEqual({
      open: new URL(origin).hostname.split('.')[0],
      path: '/about?x=1',
    });
  });

  it('is refused upstream: what a service sends back of our names, or for other hosts, is dropped', async () => {
    const { origin, entry } = await enter(ann);
    const answer = await send(`${origin}/`, { headers: { cookie: `theme=dark; ${cookie({ [ENTRY]: entry })}` } });
    expect(answer.headers['set-cookie']).toEqual(['board=1; Path=/; HttpOnly']);
    expect(board.seen.at(-1)!.headers.cookie).toBe('theme=dark');
  });
});

describe('other pages of the same browser', () => {
  it.each([
    ['a form of another site (CSRF)', 'POST', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['a form of the service next door', 'POST', { origin: 'OTHER', 'sec-fetch-site': 'same-site' }],
    ['a form of the portal’s', 'POST', { origin: 'PORTAL', 'sec-fetch-site': 'cross-site' }],
    ['a form in a sandboxed frame', 'POST', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['a request without an Origin', 'DELETE', {}],
    ['an image', 'GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
    [
      'a script of next door',
      'GET',
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' },
    ],
    [
      'a frame (clickjacking)',
      'GET',
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    ],
    ['a preflight', 'OPTIONS', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
  ])('%s', async (_, method, headers) => {
    const { origin, entry } = await enter(ann);
    const next = (await enter(ann, 'other')).origin;
    const named = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        value === 'OTHER' ? next : value === 'PORTAL' ? portal.url : value,
      ]),
    );
    const seen = board.seen.length;
    const answer = await send(`${origin}/notes`, { method, headers: { cookie: cookie({ [ENTRY]: entry }), ...named } });
    expect(answer.status).toBe(403);
    expect(code(answer)).toBe('cross-origin');
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(board.seen.length).toBe(seen);
  });

  it.each(['https://evil.example', 'OTHER', null])('a WebSocket of %s (hijacking)', async (from) => {
    const { origin, entry } = await enter(ann);
    const next = (await enter(ann, 'other')).origin;
    const named = from === null ? [] : [`Origin: ${from === 'OTHER' ? next : from}`];
    expect(await shake(origin, entry, named)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await shake(origin, entry, [`Origin: ${origin}`])).toMatch(/^HTTP\/1\.1 101 /);
  });
});

/** The first line of the answer to a handshake. */
function shake(origin: string, entry: string, more: string[]): Promise<string> {
  const url = new URL(origin);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), '127.0.0.1', () =>
      socket.write(
        [
          'GET /live HTTP/1.1',
          `Host: ${url.host}`,
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
          `Cookie: ${ENTRY}=${entry}`,
          ...more,
          '',
          '',
        ].join('\r\n'),
      ),
    );
    socket.once('data', (bytes: Buffer) => {
      resolve(bytes.toString('latin1').split('\r\n')[0]!);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('what crosses', () => {
  it('a service is reached and nothing beside it, however the path is written', async () => {
    const { origin, entry } = await enter(ann);
    const headers = { cookie: cookie({ [ENTRY]: entry }) };
    const raw = (path: string) =>
      new Promise<string>((resolve, reject) => {
        const url = new URL(origin);
        const socket = connect(Number(url.port), '127.0.0.1', () =>
          socket.write(
            `GET ${path} HTTP/1.1\r\nHost: ${url.host}\r\nCookie: ${headers.cookie}\r\nConnection: close\r\n\r\n`,
          ),
        );
        let got = '';
        socket.on('data', (bytes: Buffer) => (got += bytes.toString())).on('end', () => resolve(got));
        socket.on('error', reject);
      });
    const prefix = `/api/v1/namespaces/${namespace}/services`;
    for (const path of [
      `${prefix}/board:80/proxy/../../other:80/proxy/about`,
      `/../../other:80/proxy/about`,
      `/%2e%2e/%2e%2e/other:80/proxy/about`,
      `/..%2f..%2fother:80/proxy/about`,
      `//evil.example/about`,
      `http://evil.example/about`,
    ])
      expect({ path, answer: await raw(path) }).toEqual({
        path,
        answer: expect.stringMatching(/^HTTP\/1\.1 (400|404) /),
      });
    // Another's path on the cluster is a path of this one.
    expect(await send(`${origin}${prefix}/other:80/proxy/about`, { headers })).toMatchObject({
      status: 404,
      body: 'no',
    });
    expect(await send(`${origin}/api/v1/namespaces/${namespace}/secrets`, { headers })).toMatchObject({
      status: 404,
      body: 'no',
    });
    expect(other.seen.filter(({ line }) => line.includes('about'))).toEqual([]);
  });

  it('headers that name somebody, or another request, stay here', async () => {
    const { origin, entry } = await enter(ann);
    const headers = { cookie: cookie({ [ENTRY]: entry }) };
    const more = { authorization: 'Basic YTpi', 'x-remote-user': 'root', 'x-forwarded-for': '10.0.0.1' };
    expect((await send(`${origin}/about`, { headers: { ...headers, ...more } })).status).toBe(200);
    expect(JSON.stringify(board.seen.at(-1)!.headers)).not.toMatch(/Basic|x-remote|10\.0\.0\.1/);
    expect(code(await send(`${origin}/about`, { headers: { ...headers, 'impersonate-user': 'root' } }))).toBe(
      'impersonation-refused',
    );
    expect(code(await send(`${origin}/about`, { headers: { ...headers, 'x-http-method-override': 'DELETE' } }))).toBe(
      'method-override-refused',
    );
  });

  it('a redirect elsewhere is the browser’s to follow: nothing of it is followed here', async () => {
    const { origin, entry } = await enter(ann);
    const headers = { cookie: cookie({ [ENTRY]: entry }) };
    expect(await send(`${origin}/away`, { headers })).toMatchObject({
      status: 302,
      headers: { location: 'https://idp.example/login' },
    });
    expect(await send(`${origin}/old`, { headers })).toMatchObject({ status: 302, headers: { location: '/about' } });
  });
});

describe('addresses', () => {
  it('a label that nobody was given, and names that only look like the domain, lead nowhere', async () => {
    const { origin, entry } = await enter(ann);
    const { port } = new URL(origin);
    const headers = { cookie: cookie({ [ENTRY]: entry }) };
    expect(code(await send(`http://nobody.localhost:${port}/`, { headers }))).toBe('entry-missing');
    for (const host of [
      `a.b.localhost:${port}`,
      `board.localhost.evil.example:${port}`,
      'board.localhost:1',
      `.localhost:${port}`,
    ])
      expect({ host, status: (await send(`${origin}/about`, { host, headers })).status }).toEqual({
        host,
        status: 421,
      });
  });

  it('a stranger’s service is not seen, closed or listed', async () => {
    const { items } = await ann.api<{ items: Service[] }>('GET', '/services');
    expect(items.map(({ name }) => name).toSorted()).toEqual(['board', 'other']);
    const stranger = await portal.visitor([await portal.role()]);
    expect((await stranger.api<{ items: Service[] }>('GET', '/services')).items).toEqual([]);
    for (const id of [items[0]!.id, randomUUID()])
      await expect(stranger.api('DELETE', `/services/${id}`)).rejects.toMatchObject({ code: 'session-not-found' });
    // Two people with one service have an origin each.
    expect((await enter(ann)).origin).not.toBe((await enter(bob)).origin);
  });

  it('a closed one is closed for every browser that was let in', async () => {
    const visitor = await ann.again();
    const { origin, entry } = await enter(visitor);
    const headers = { cookie: cookie({ [ENTRY]: entry }) };
    const { items } = await visitor.api<{ items: Service[] }>('GET', '/services');
    await visitor.api('DELETE', `/services/${items.find(({ name }) => name === 'board')!.id}`);
    await until(async () => code(await send(`${origin}/about`, { headers })) === 'credential-revoked', {
      what: 'the refusal',
    });
  });
});
