/** The way to web, with a web that an attacker has taken over: it sees no credential and can set none. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { request as httpRequest } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startBarePortal, type BarePortal } from '../../e2e/bare-portal.ts';

let portal: BarePortal;
let cookie: string;
let token: string;
let seen: { path: string; method: string; headers: IncomingHttpHeaders; raw: string[] }[];
let answerHeaders: Record<string, string | string[]>;
/** What it says on the wire instead of an answer. */
let lie: string | undefined;

const web = createServer((request, response) => {
  seen.push({ path: request.url!, method: request.method!, headers: request.headers, raw: request.rawHeaders });
  request.resume();
  if (lie !== undefined) return void request.socket.end(lie, 'latin1');
  for (const [name, value] of Object.entries(answerHeaders)) response.setHeader(name, value);
  response.end('a page');
});

beforeAll(async () => {
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  portal = await startBarePortal({ SALLYPORT_WEB_URL: `http://127.0.0.1:${(web.address() as AddressInfo).port}` });
  const { id } = await portal.person('visitor', ['sallyport-admins']);
  ({ cookie } = await portal.signIn(id));
  ({ token } = await portal.token(id, ['read']));
});
afterAll(async () => {
  await portal[Symbol.asyncDispose]();
  web.close();
  web.closeAllConnections();
});
beforeEach(() => {
  seen = [];
  answerHeaders = {};
  lie = undefined;
});

const instance = () => cookie.slice('__Host-sallyport_'.length).split('=')[0]!;

/** By node:http, since fetch will not send some of these headers. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
    const url = new URL(portal.origin);
    const request = httpRequest(
      { host: '127.0.0.1', port: url.port, path, method, headers: { host: url.host, ...headers } },
      (response) => {
        let body = '';
        response.on('data', (chunk) => (body += chunk));
        response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
      },
    );
    request.on('error', reject);
    request.end();
  });
}

test('a browser that nobody is signed in with goes straight to the door; a signed-in one sees the page', async () => {
  const visit = (cookies?: string) =>
    get('/audit?code=a', { 'sec-fetch-mode': 'navigate', ...(cookies === undefined ? {} : { cookie: cookies }) });
  const stranger = await visit();
  expect(stranger.status).toBe(303);
  expect(stranger.headers.location).toBe('/sign-in?return=%2Faudit%3Fcode%3Da');
  expect(stranger.headers['cache-control']).toBe('no-store');
  const ended = await visit(`${cookie.split('=')[0]}=${'a'.repeat(43)}`);
  expect(ended.headers.location).toBe('/sign-in?return=%2Faudit%3Fcode%3Da&reason=expired');
  expect(seen).toEqual([]);
  expect(await visit(cookie)).toMatchObject({ status: 200, body: 'a page' });
});

test('web sees neither session cookie nor token, nor any header that only the portal may set', async () => {
  await get('/clusters', {
    cookie: `${cookie}; other=1; __Host-sallyport-auth-${instance()}.csrf=c`,
    authorization: `Bearer ${token}`,
    'x-sallyport-sign-in': 'forged',
    'x-middleware-subrequest': 'middleware:middleware',
    'x-middleware-rewrite': 'https://evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-for': '203.0.113.66',
    'x-forwarded-proto': 'gopher',
    'x-nonce': 'known',
    'content-security-policy': "script-src 'nonce-known'",
    'next-action': '7f',
    x_forwarded_host: 'evil.example',
    connection: 'x-nonce',
  });
  const [{ headers, raw }] = seen as [(typeof seen)[0]];
  const all = JSON.stringify(raw);
  expect(all).not.toContain(cookie.split('=')[1]);
  expect(all).not.toContain(token);
  expect(all).not.toMatch(/evil\.example|203\.0\.113\.66|gopher|forged|x-middleware|next-action|nonce-known/i);
  expect(headers.cookie).toBe(`__Host-sallyport-auth-${instance()}.csrf=c`);
  expect(headers['x-nonce']).toMatch(/^[A-Za-z0-9+/]{22}==$/);
  expect(headers['x-forwarded-host']).toBe(new URL(portal.origin).host);
  expect(headers['x-forwarded-for']).toBe('127.0.0.1');
});

test('web cannot set the portal’s cookie, loosen the policy of a page, or speak for it', async () => {
  answerHeaders = {
    'set-cookie': [
      `__Host-sallyport_${instance()}=planted; Path=/; Secure`,
      'anything=1',
      `__Host-sallyport-auth-${instance()}.csrf=c; Path=/; Secure`,
    ],
    'content-security-policy': 'default-src *',
    'access-control-allow-origin': '*',
    'strict-transport-security': 'max-age=0',
    'x-correlation-id': 'web',
    'x-powered-by': 'Next.js',
  };
  const { headers } = await get('/clusters', { 'x-correlation-id': 'mine' });
  expect(headers['set-cookie']).toEqual([`__Host-sallyport-auth-${instance()}.csrf=c; Path=/; Secure`]);
  expect(headers['access-control-allow-origin']).toBeUndefined();
  expect(headers['x-powered-by']).toBeUndefined();
  expect(headers['x-correlation-id']).toBe('mine');
  expect(headers['x-frame-options']).toBe('DENY');
  const policy = headers['content-security-policy'] as string;
  expect(policy).toContain(`'nonce-${seen[0]!.headers['x-nonce']}'`);
  expect(policy).toMatch(/default-src 'none'.*base-uri 'none'.*frame-ancestors 'none'/);
  expect(policy.replace("style-src-attr 'unsafe-inline'", '')).not.toMatch(/unsafe|\*/);
});

test('each page has a nonce of its own', async () => {
  await get('/a');
  await get('/a');
  expect(seen[0]!.headers['x-nonce']).not.toBe(seen[1]!.headers['x-nonce']);
});

test('only a callback carries the one-time name of a sign-in, a new one each time', async () => {
  await get('/api/auth/callback/oidc?code=x');
  await get('/api/auth/callback/oidc?code=x');
  await get('/api/auth/csrf');
  await get('/api/auth/callback/oidcx');
  const names = seen.map(({ headers }) => headers['x-sallyport-sign-in']);
  expect(names[0]).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(names[1]).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(names[1]).not.toBe(names[0]);
  expect(names.slice(2)).toEqual([undefined, undefined]);
});

test('what is not a page or a sign-in form never reaches web', async () => {
  const origin = portal.origin;
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
    expect((await get('/clusters', { origin, 'content-length': '0' }, method)).status).toBe(405);
  expect(
    (await get('/api/auth/signin/oidc', { origin: 'https://evil.example', 'content-length': '0' }, 'POST')).status,
  ).toBe(403);
  expect((await get('/api/auth/signin/oidc', { 'content-length': '0' }, 'POST')).status).toBe(403);
  expect((await get('/api/auth/signin/oidc', { origin, 'content-length': '1000000' }, 'POST')).status).toBe(413);
  expect(seen).toEqual([]);
  expect((await get('/api/auth/signin/oidc', { origin, 'content-length': '0' }, 'POST')).status).toBe(200);
});

test('answers stream: the first byte does not wait for the last', async () => {
  const gate = Promise.withResolvers<void>();
  const slow = createServer((_request, response) => {
    response.write('first');
    void gate.promise.then(() => response.end('last'));
  });
  slow.listen(0, '127.0.0.1');
  await once(slow, 'listening');
  await using streaming = await startBarePortal({
    SALLYPORT_WEB_URL: `http://127.0.0.1:${(slow.address() as AddressInfo).port}`,
  });
  const response = await fetch(`${streaming.origin}/x`);
  const reader = response.body!.getReader();
  expect(Buffer.from((await reader.read()).value!).toString()).toBe('first');
  gate.resolve();
  expect(Buffer.from((await reader.read()).value!).toString()).toBe('last');
  slow.close();
});

test('a page that web does not finish is cut off for the reader too, never taken for whole', async () => {
  const dying = createServer((_request, response) => {
    response.write('half a p', () => response.destroy());
  });
  dying.listen(0, '127.0.0.1');
  await once(dying, 'listening');
  await using behind = await startBarePortal({
    SALLYPORT_WEB_URL: `http://127.0.0.1:${(dying.address() as AddressInfo).port}`,
  });
  await expect(fetch(`${behind.origin}/x`).then((response) => response.text())).rejects.toThrow();
  dying.close();
});

test('a reader who leaves in the midst of a page leaves web, too', async () => {
  const left = Promise.withResolvers<void>();
  const endless = createServer((_request, response) => {
    response.write('first');
    response.once('close', () => left.resolve());
  });
  endless.listen(0, '127.0.0.1');
  await once(endless, 'listening');
  await using behind = await startBarePortal({
    SALLYPORT_WEB_URL: `http://127.0.0.1:${(endless.address() as AddressInfo).port}`,
  });
  const leave = new AbortController();
  const response = await fetch(`${behind.origin}/x`, { signal: leave.signal });
  await response.body!.getReader().read();
  leave.abort();
  await left.promise;
  endless.close();
});

test.each([
  ['a status below any', 'HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nno'],
  ['a status of zero', 'HTTP/1.1 000 Nil\r\nContent-Length: 2\r\n\r\nno'],
  ['another protocol', 'HTTP/1.1 101 Sure\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nno'],
  ['another protocol, unnamed', 'HTTP/1.1 101 Sure\r\n\r\nno'],
  ['interim answers only', 'HTTP/1.1 103 Hints\r\n\r\n'.repeat(1_000)],
  ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
])('a web that answers with %s is away, and the portal lives', async (_what, answer) => {
  lie = answer;
  expect((await get('/sign-in')).status).toBe(503);
  expect((await get('/api/auth/callback/oidc?code=a')).status).toBe(503);
  expect((await get('/healthz')).status).toBe(200);
});

test.each([
  '//',
  '//evil.example/x',
  '/%',
  '/%00',
  '/%ff',
  '/\\evil.example',
  '/;a',
  'http://evil.example/',
  'http://evil.example:99999/',
  'http://[::1',
  'https://x@y:z@/',
  '/_next/image?url=http://169.254.169.254/&w=64&q=75',
  '/api/v1/%',
  '/api/v1/../../etc/passwd',
  '/api/v1/clusters/%E0%80%80',
  '/api/v1/clusters/__proto__',
  '/api/v1/sessions/%zz/terminal',
  '/api/v1/sessions?cursor=%00',
  '/api/v1/sessions?limit=99999999999999999999',
])('a target of %s is the asker’s mistake or a page, and leads to no other host', async (target) => {
  const { port, host } = new URL(portal.origin);
  for (const method of ['GET', 'POST'])
    for (const also of ['', 'Upgrade: websocket\r\n', 'Upgrade: h2c\r\n', 'Sec-Fetch-Mode: navigate\r\n']) {
      const socket = connect(Number(port), '127.0.0.1');
      const from = `Host: ${host}\r\nOrigin: ${portal.origin}\r\nCookie: ${cookie}\r\nContent-Length: 0\r\n`;
      const connection = also.startsWith('Upgrade') ? 'Upgrade' : 'close';
      socket.write(`${method} ${target} HTTP/1.1\r\n${from}${also}Connection: ${connection}\r\n\r\n`);
      const answer = await text(socket);
      expect(answer, also).toMatch(/^HTTP\/1.1 [234]\d\d /);
      const location = /\r\nlocation: (.*)\r\n/i.exec(answer)?.[1];
      if (location !== undefined) expect(new URL(location, portal.origin).origin).toBe(portal.origin);
    }
});
