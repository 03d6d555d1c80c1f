/**
 * Attacks on the wire against the Kubernetes path; each names the rule or the CVE that it answers. Long, as a list of
 * attacks is: all are sent to one gateway.
 */
import { createPublicKey, createSecretKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestGateway, type TestSession } from '../../e2e/gateway.ts';
import { parseAnswers, rawConnect, rawExchange } from '../../e2e/raw-tls.ts';
import { testCluster } from '../../e2e/use.ts';
import { AUDIENCE } from './tokens.ts';

let gateway: TestGateway;
let session: TestSession;
let other: TestSession;

beforeAll(async () => {
  gateway = await TestGateway.start();
  [session, other] = await Promise.all([gateway.session(), gateway.session()]);
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  expect(gateway.faults).toEqual([]);
});

async function send(bytes: string, to = session) {
  const socket = await rawConnect(to.port, gateway.gateway.certificateAuthority);
  return parseAnswers(await rawExchange(socket, bytes));
}

/** A well-formed request with the session's own credential, and whatever else is given. */
function request(line: string, headers: string[] = [], token = session.token, body = ''): string {
  const all = ['Host: 127.0.0.1', `Authorization: Bearer ${token}`, 'Connection: close', ...headers];
  return `${line} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n${body}`;
}

/** Paths that the cluster saw with an Audit-ID of ours, by the cluster's own log. */
async function seenByCluster(fragment: string): Promise<number> {
  const { auditLog } = await testCluster();
  return (await readFile(auditLog, 'utf8')).split('\n').filter((line) => line.includes(fragment)).length;
}

test('a plain request works, so that the others are refused for what they are', async () => {
  const [answer] = await send(request('GET /api/v1/namespaces/default'));
  expect(answer).toMatchObject({ status: 200 });
  expect(answer!.head).toMatch(/\r\naudit-id: [0-9a-f-]{36}/i);
  expect(answer!.head).toMatch(/\r\nx-correlation-id: /i);
});

describe('credentials', () => {
  const claims = (over: Record<string, unknown> = {}) => ({ sid: session.id, ...over });
  const sign = (jwt: SignJWT) =>
    jwt
      .setSubject(`system:serviceaccount:${gateway.namespace}:${session.serviceAccount}`)
      .setAudience(AUDIENCE)
      .setIssuer('x')
      .setJti(randomUUID())
      .setExpirationTime('5m');
  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  test.each([
    ['none at all', ''],
    ['not a token', 'abc'],
    ['two tokens', 'a b'],
    ['empty', ' '],
  ])('%s', async (_, token) => {
    const [answer] = await send(request('GET /api/v1/namespaces/default', [], token));
    expect(answer).toMatchObject({ status: 401 });
    expect(answer!.body).toContain('Status');
  });

  test("another session's valid token on this session's socket (bound to the socket)", async () => {
    const [answer] = await send(request('GET /api/v1/namespaces/default', [], other.token));
    expect(answer).toMatchObject({ status: 401 });
    expect(answer!.head).toContain('credential-foreign');
  });

  test('alg none (Hono CVE-2026-22817)', async () => {
    const token = new UnsecuredJWT(claims()).setAudience(AUDIENCE).setExpirationTime('5m').encode();
    expect((await send(request('GET /version', [], token)))[0]).toMatchObject({ status: 401 });
  });

  test('HS256 with the public key as the secret (Hono CVE-2026-22818)', async () => {
    const header = JSON.parse(Buffer.from(session.token.split('.')[0]!, 'base64url').toString()) as { kid: string };
    const pem = createPublicKey(gateway.signingKey).export({ type: 'spki', format: 'pem' });
    const secret = createSecretKey(Buffer.from(pem));
    const token = await sign(new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: header.kid })).sign(secret);
    expect((await send(request('GET /version', [], token)))[0]).toMatchObject({ status: 401 });
  });

  test("somebody else's key under our key id, and an embedded jwk", async () => {
    const header = JSON.parse(Buffer.from(session.token.split('.')[0]!, 'base64url').toString()) as { kid: string };
    const jwk = foreign.publicKey.export({ format: 'jwk' });
    for (const protectedHeader of [
      { alg: 'ES256', kid: header.kid },
      { alg: 'ES256', kid: 'unknown' },
      { alg: 'ES256', jwk },
    ]) {
      const token = await sign(new SignJWT(claims()).setProtectedHeader(protectedHeader)).sign(foreign.privateKey);
      expect((await send(request('GET /version', [], token)))[0]).toMatchObject({ status: 401 });
    }
  });

  test('our token, one character changed', async () => {
    const [head, body, signature] = session.token.split('.') as [string, string, string];
    const payload = Buffer.from(body, 'base64url').toString().replace(session.id, other.id);
    const changed = [head, Buffer.from(payload).toString('base64url'), signature].join('.');
    expect((await send(request('GET /version', [], changed), other))[0]).toMatchObject({ status: 401 });
  });

  test("the cluster's own token of this very account: only ours are taken", async () => {
    const { token } = await gateway.accounts.renew(gateway.connection.id, session.serviceAccount, 600_000);
    expect((await send(request('GET /version', [], token)))[0]).toMatchObject({ status: 401 });
  });

  test('our token opens nothing at the cluster itself: the gateway adds another', async () => {
    const { server } = await testCluster();
    const url = new URL(server);
    const socket = await rawConnect(Number(url.port), gateway.connection.address.ca);
    const [answer] = parseAnswers(await rawExchange(socket, request('GET /api/v1/namespaces')));
    expect(answer).toMatchObject({ status: 401 });
  });
});

describe('identity headers', () => {
  test.each([
    ['Impersonate-User: system:admin'],
    ['impersonate-user: system:admin'],
    ['IMPERSONATE-GROUP: system:masters'],
    ['Impersonate-Uid: 1'],
    ['Impersonate-Extra-scopes: x'],
    ['Impersonate_User: system:admin'],
    ['Connection: Impersonate-User\r\nImpersonate-User: system:admin'],
    ['Impersonate-User:'],
    ['Impersonate-User: tester@example.com\r\nImpersonate-User: system:admin'],
    ['Impersonate-Extra-%73copes: x'],
    ['Impersonate-Anything-New: x'],
    ['Connection: Upgrade\r\nUpgrade: websocket\r\nImpersonate-User: system:admin'],
  ])('%s is refused with a sentence (Rancher CVE-2021-31999, CVE-2021-36776)', async (header) => {
    const [answer] = await send(request('GET /api/v1/namespaces/default', [header]));
    expect(answer).toMatchObject({ status: 403 });
    expect(answer!.body).toContain('Acting as somebody else');
  });

  test.each([
    ['X-Remote-User: system:admin\r\nX-Remote-Group: system:masters'],
    ['X-Remote-Uid: 0\r\nX-Remote-Extra-Scopes: all\r\nx-remote-user: system:admin\r\nX_Remote_User: system:admin'],
    ['Cookie: user=system:admin\r\nProxy-Authorization: Bearer other'],
    ['X-Client-Cert: x\r\nSSL-Client-Cert: x\r\nX-Forwarded-Client-Cert: By=x'],
    ['Connection: Authorization'],
    ['Connection: Audit-ID\r\nAudit-ID: 00000000-0000-0000-0000-000000000000'],
    ['Authorization: Bearer other'],
    ['X-Forwarded-User: system:admin'],
  ])('%s changes nothing about who asks (Fabio CVE-2025-48865)', async (header) => {
    const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' });
    const headers = [header, 'Content-Type: application/json', `Content-Length: ${body.length}`];
    const line = 'POST /apis/authentication.k8s.io/v1/selfsubjectreviews';
    const [answer] = await send(request(line, headers, session.token, body));
    expect(answer).toMatchObject({ status: 201 });
    expect(answer!.body).toContain(`system:serviceaccount:${gateway.namespace}:${session.serviceAccount}`);
    expect(answer!.head).not.toContain('00000000-0000');
  });

  test('a bearer token as WebSocket subprotocol never reaches the cluster', async () => {
    const [answer] = await send(
      request('GET /api/v1/namespaces/default/pods/x/exec?command=sh', [
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Protocol: v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.YWJj',
      ]),
    );
    expect(answer).toMatchObject({ status: 400 });
    expect(answer!.head).toContain('credential-refused');
  });
});

describe('smuggling (RFC 9112, 6.3): two lengths, no request behind the request', () => {
  const smuggled = (name: string) => `GET /api/v1/namespaces/smuggled-${name} HTTP/1.1\r\nHost: x\r\n\r\n`;
  test.each([
    ['CL.TE', (s: string) => [`Content-Length: ${4 + s.length}`, 'Transfer-Encoding: chunked', `0\r\n\r\n${s}`]],
    ['TE.CL', (s: string) => ['Transfer-Encoding: chunked', 'Content-Length: 4', `5c\r\n${s}\r\n0\r\n\r\n`]],
    ['CL.CL', (s: string) => ['Content-Length: 0', `Content-Length: ${s.length}`, s]],
    ['TE.TE obscured', (s: string) => ['Transfer-Encoding: xchunked', 'X: y', s]],
    ['TE with a tab', (s: string) => ['Transfer-Encoding:\tchunked', 'Content-Length: 3', `0\r\n\r\n${s}`]],
    ['TE twice', (s: string) => ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity', `0\r\n\r\n${s}`]],
    ['length with a sign', (s: string) => ['Content-Length: +0', 'X: y', s]],
    ['length in hex', (s: string) => ['Content-Length: 0x0', 'X: y', s]],
    ['chunk size with junk', (s: string) => ['Transfer-Encoding: chunked', 'X: y', `0 junk\r\n\r\n${s}`]],
    ['space before the colon', (s: string) => [`Content-Length : ${s.length}`, 'X: y', s]],
    ['bare LF', (s: string) => ['X: y\nContent-Length: 0', 'Z: y', s]],
    ['obs-fold', (s: string) => ['X: y\r\n Content-Length: 5', 'Z: y', s]],
    ['NUL in a header', (s: string) => ['X: a\0b', 'Z: y', s]],
  ])('%s', async (name, make) => {
    const label = `${name.replace(/\W/g, '-').toLowerCase()}-${process.pid}`;
    const [first, second, body] = make(smuggled(label)) as [string, string, string];
    const bytes = [
      'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews HTTP/1.1',
      'Host: x',
      `Authorization: Bearer ${session.token}`,
      first,
      second,
      '',
      body,
    ].join('\r\n');
    const answers = await send(bytes);
    expect(answers[0]!.status).toBeGreaterThanOrEqual(400);
    expect(answers.length).toBeLessThanOrEqual(1);
    expect(await seenByCluster(`smuggled-${label}`)).toBe(0);
  });

  test('a pipelined second request needs a credential of its own', async () => {
    const answers = await send(
      `GET /api/v1/namespaces/default HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${session.token}\r\n\r\n` +
        `GET /api/v1/namespaces/kube-system HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 401]);
  });
});

describe('targets on the wire', () => {
  test.each([
    ['GET http://169.254.169.254/latest/meta-data/', 400],
    ['GET https://127.0.0.1:6443/api', 400],
    ['CONNECT 127.0.0.1:6443', 405],
    ['TRACE /api', 405],
    ['GET /api/v1/namespaces/default/../kube-system', 400],
    ['GET /api/v1/namespaces/default%2f..%2fkube-system', 400],
    ['GET //api/v1/secrets', 400],
    ['GET /api/v1/%2e%2e/secrets', 400],
    ['GET /api/v1/nodes/node-1/proxy/pods', 403],
    ['GET /api/v1/proxy/nodes/node-1/pods', 403],
    ['POST /api/v1/namespaces/default/serviceaccounts/default/token', 403],
    ['POST /api/v1/namespaces/default/serviceaccounts/default/token/?dryRun=All', 403],
    ['POST /api/v1/namespaces/default/serviceaccounts/default/%74oken', 403],
    ['POST /api/v1/watch/namespaces/default/serviceaccounts/default/token', 403],
    ['POST /api/v1/namespaces/default/serviceaccounts/default%2Ftoken', 400],
    ['POST /api/v1/namespaces/default/serviceaccounts/default%252Ftoken', 400],
    ['POST /api/v1/namespaces/default/serviceaccounts/default//token', 400],
    ['POST /api/v1/namespaces/default/serviceaccounts/default/./token', 400],
    ['POST /api/v1/namespaces/default/serviceaccounts/x/../default/token', 400],
    ['POST /api/v1/namespaces/default/serviceaccounts/default\\token', 400],
    ['POST /api/v1/namespaces/default/serviceaccounts/default/token#', 400],
    // Names are exact in Kubernetes: these are no token's, and nothing is there.
    ['POST /api/v1/namespaces/default/serviceaccounts/default/Token', 404],
    ['POST /api/v1/namespaces/default/ServiceAccounts/default/token', 404],
    ['POST /api/v1/namespaces/default/serviceaccounts/default/token;x', 404],
    ['POST /apis/authentication.k8s.io/v1/tokenrequests', 404],
    ['POST /apis/certificates.k8s.io/v1/certificatesigningrequests', 403],
  ])('%s: %i', async (line, status) => {
    const [answer] = await send(request(line, ['Content-Length: 0']));
    expect(answer).toMatchObject({ status });
  });

  test.each(['X-HTTP-Method-Override: DELETE', 'X-Original-URL: /api/v1/secrets'])('%s', async (header) => {
    expect((await send(request('GET /api/v1/namespaces/default', [header])))[0]).toMatchObject({ status: 400 });
  });
});

describe('a credential by another way round', () => {
  const json = 'Content-Type: application/json';
  const protobuf = 'Content-Type: application/vnd.kubernetes.protobuf';
  const hidden = '"type":"kubernetes.io\\u002fservice-account-token"';
  const plain = '"type":"Opaque"';
  const named = `disguised-${process.pid}`;
  const secret = (type: string) =>
    `{"apiVersion":"v1","kind":"Secret",${type},"metadata":{"name":"${named}","annotations":{"kubernetes.io/service-account.name":"default"}}}`;
  const secrets = '/api/v1/namespaces/default/secrets';
  const token = '/api/v1/namespaces/default/serviceaccounts/default/token';
  const asked = '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}';

  test.each<[string, string, string[], string]>([
    ['the type escaped', `POST ${secrets}`, [json], secret(hidden)],
    [
      'a type of content that Connection takes away',
      `POST ${secrets}`,
      [protobuf, 'Connection: Content-Type'],
      secret(hidden),
    ],
    ['two types of content', `POST ${secrets}`, [protobuf, json], secret(hidden)],
    ['two types of content, turned round', `POST ${secrets}`, [json, protobuf], secret(hidden)],
    [
      'an encoding that Connection takes away',
      `POST ${secrets}`,
      [json, 'Content-Encoding: gzip', 'Connection: Content-Encoding'],
      secret(hidden),
    ],
    ['the key twice', `POST ${secrets}`, [json], secret(`${plain},${hidden}`)],
    ['the path’s old form', `POST /api/v1/watch/namespaces/default/secrets`, [json], secret(hidden)],
    ['a slash more', `POST ${secrets}/`, [json], secret(hidden)],
    [
      'a create by apply',
      `PATCH ${secrets}/${named}?fieldManager=x`,
      ['Content-Type: application/apply-patch+yaml'],
      secret(hidden),
    ],
    ['a list for one', `POST ${secrets}`, [json], `{"apiVersion":"v1","kind":"List","items":[${secret(hidden)}]}`],
    ['another namespace in the body', `POST ${secrets}`, [json], secret(`${hidden},"namespace":"kube-system"`)],
    [
      'the API server as a service of its own',
      `POST /api/v1/namespaces/default/services/https:kubernetes:443/proxy${token}`,
      [json],
      asked,
    ],
    [
      'the same, as its user by name',
      `POST /api/v1/namespaces/default/services/https:kubernetes:443/proxy${token}`,
      [json, 'X-Remote-User: system:admin', 'X-Remote-Group: system:masters'],
      asked,
    ],
    ['a group that is none', `POST /apis/authentication.k8s.io/v1${token.slice('/api/v1'.length)}`, [json], asked],
    ['a version that is none', `POST ${token.replace('v1', 'v2')}`, [json], asked],
  ])('%s: no token is made', async (_what, line, headers, body) => {
    const [answer] = await send(
      request(line, [...headers, `Content-Length: ${Buffer.byteLength(body)}`], session.token, body),
    );
    expect(answer!.status).toBeGreaterThanOrEqual(400);
    expect(answer!.body).not.toMatch(/eyJ[A-Za-z0-9_-]{8,}\./);
    const [found] = await send(request(`GET ${secrets}/${named}`));
    expect(found).toMatchObject({ status: 404 });
  });

  test.each([
    ['DELETE', '/api/v1/namespaces?fieldSelector=metadata.name%3DNAMESPACE'],
    ['DELETE', '/api/v1/serviceaccounts'],
    ['DELETE', '/apis/rbac.authorization.k8s.io/v1/rolebindings?labelSelector=sallyport.dev%2Fportal'],
    ['POST', '/api/v1/serviceaccounts'],
    ['DELETE', '/api/v1/namespaces/default/serviceaccounts/x?fieldSelector=metadata.namespace%3DNAMESPACE'],
    ['DELETE', '/api/v1/namespaces/NAMESPACE/'],
    ['DELETE', '/api/v1/watch/namespaces/NAMESPACE'],
    ['PATCH', '/api/v1/namespaces/NAMESPACE/serviceaccounts/ACCOUNT'],
    ['GET', '/api/v1/namespaces/NAMESPACE/services/x/proxy/'],
  ])('%s %s: the accounts of sessions stay as they are', async (method, path) => {
    const target = path.replace('NAMESPACE', gateway.namespace).replace('ACCOUNT', other.serviceAccount);
    const body = JSON.stringify({
      metadata: { name: 'planted', namespace: gateway.namespace, annotations: { a: 'b' } },
    });
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = [
      `Content-Type: ${type}`,
      `Content-Length: ${method === 'POST' || method === 'PATCH' ? body.length : 0}`,
    ];
    const sent = method === 'POST' || method === 'PATCH' ? body : '';
    const [answer] = await send(request(`${method} ${target}`, headers, session.token, sent));
    expect(answer!.status).toBeGreaterThanOrEqual(400);
    const accounts = `/api/v1/namespaces/${gateway.namespace}/serviceaccounts`;
    const { items } = await gateway.admin.json<{ items: { metadata: { name: string; annotations?: object } }[] }>({
      method: 'GET',
      path: accounts,
    });
    const now = new Map(items.map(({ metadata }) => [metadata.name, metadata.annotations]));
    expect(now.has(other.serviceAccount)).toBe(true);
    expect(now.get(other.serviceAccount)).toBeUndefined();
    expect(now.has('planted')).toBe(false);
  });
});

describe('upgrades', () => {
  const upgrade = (path: string, headers: string[]) =>
    send(request(`GET ${path}`, ['Connection: Upgrade', ...headers]).replace('Connection: close\r\n', ''));

  test.each([
    ['h2c', '/api', ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'], 400],
    ['websocket where nothing streams', '/api/v1/namespaces', ['Upgrade: websocket'], 400],
    ['TLS/1.0', '/api', ['Upgrade: TLS/1.0'], 400],
    ['with a body', '/api/v1/namespaces/default/pods/x/exec', ['Upgrade: websocket', 'Content-Length: 5'], 400],
  ])('%s', async (_, path, headers, status) => {
    expect((await upgrade(path, headers))[0]).toMatchObject({ status });
  });

  test('one that the cluster refuses leaves no way up (CVE-2018-1002105)', async () => {
    const headers = ['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
    const first = request('GET /api/v1/namespaces/default/pods/nothing-here/exec?command=sh', [
      'Connection: Upgrade',
      ...headers,
    ]);
    const marker = `behind-${process.pid}`;
    const second = `GET /api/v1/namespaces/${marker} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const answers = await send(first.replace('Connection: close\r\n', '') + second);
    expect(answers.length).toBe(1);
    expect(answers[0]!.status).toBeGreaterThanOrEqual(400);
    expect(await seenByCluster(marker)).toBe(0);
  });
});

describe('connections', () => {
  test('only http/1.1 is spoken: h2 alone finds no protocol', async () => {
    await expect(rawConnect(session.port, gateway.gateway.certificateAuthority, ['h2'])).rejects.toThrow();
    const socket = await rawConnect(session.port, gateway.gateway.certificateAuthority, ['h2', 'http/1.1']);
    expect(socket.alpnProtocol).toBe('http/1.1');
    socket.destroy();
  });

  test('more connections than anybody needs are closed, those of other sessions are not', async () => {
    const mine = await gateway.session();
    const open: Socket[] = [];
    let closed = 0;
    for (let i = 0; i < 530; i++) {
      const socket = connect(mine.port, '127.0.0.1').resume();
      socket.on('error', () => {});
      socket.on('close', () => (closed += 1));
      open.push(socket);
    }
    await expect.poll(() => closed, { timeout: 10_000 }).toBe(18);
    expect((await send(request('GET /api/v1/namespaces/default')))[0]).toMatchObject({ status: 200 });
    for (const socket of open) socket.destroy();
  });

  test('headers past the bound', async () => {
    const [answer] = await send(request('GET /api', [`X-Long: ${'a'.repeat(70_000)}`]));
    expect(answer).toMatchObject({ status: 431 });
  });

  test('a Secret past the bound of its inspection', async () => {
    const size = 4 * 1024 * 1024;
    const line = 'POST /api/v1/namespaces/default/secrets';
    const headers = ['Content-Type: application/json', `Content-Length: ${size}`];
    const [answer] = await send(request(line, headers, session.token, 'x'.repeat(size)));
    expect(answer).toMatchObject({ status: 413 });
  });

  test('a Secret of which half comes is a client that left, and no fault of ours', async () => {
    const headers = ['Content-Type: application/json', 'Content-Length: 100000'];
    const socket = await rawConnect(session.port, gateway.gateway.certificateAuthority);
    socket.write(request('POST /api/v1/namespaces/default/secrets', headers, session.token, '{"kind":'));
    await expect.poll(() => gateway.calls.count).toBe(1);
    socket.destroy();
    await expect.poll(() => gateway.calls.count).toBe(0);
    expect(gateway.faults).toEqual([]);
  });

  test('an ended session: running calls are cut within a second, and the next one is refused', async () => {
    const mine = await gateway.session();
    const socket = await rawConnect(mine.port, gateway.gateway.certificateAuthority);
    const line = 'GET /api/v1/namespaces/default/configmaps?watch=true';
    let text = '';
    const begun = new Promise<void>((resolve) => socket.on('data', (chunk) => ((text += String(chunk)), resolve())));
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.write(request(line, [], mine.token).replace('Connection: close\r\n', ''));
    await begun;
    expect(text).toContain('200 OK');
    const before = performance.now();
    await gateway.end(mine.id);
    await closed;
    expect(performance.now() - before).toBeLessThan(1_000);
    const [answer] = await send(request('GET /version', [], mine.token), mine);
    expect(answer).toMatchObject({ status: 401 });
    expect(answer!.head).toContain('session-ended');
  });

  test('a stream that is no socket, as the way through the exec of an engine gives it', async () => {
    const mine = await gateway.session();
    const server = createServer((socket) => {
      const [near, far] = duplexPair();
      for (const stream of [socket, near, far]) stream.on('error', () => socket.destroy());
      socket.pipe(near).pipe(socket);
      gateway.gateway.attach(mine.id, far);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const answers = [];
    for (const line of ['GET /openapi/v2', 'GET /api/v1/namespaces/default'])
      answers.push(...(await send(request(line, [], mine.token), { ...mine, port })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers[0]!.body.length).toBeGreaterThan(1_000_000);
    server.close();
  });

  test('neither TLS nor a proxy request: closed without a word', async () => {
    const socket = connect(session.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.write('\x00\x01\x02\x03\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(text).toBe('');
  });
});

test('every refusal of a known session is on record with its code', async () => {
  await gateway.audit.flush();
  const codes = new Set(
    gateway.rows.filter(({ code }) => code === 'api.refused').map(({ detail }) => detail['reason'] as string),
  );
  for (const code of [
    'impersonation-refused',
    'bad-path',
    'credential-foreign',
    'node-proxy-refused',
    'token-minting-refused',
    'upgrade-refused',
  ])
    expect(codes).toContain(code);
});

test('without room in the journal: what changes something is refused, and nothing of it reaches the cluster', async () => {
  await using full = await TestGateway.start({ journalBound: 600 });
  full.database.away = true;
  const mine = await full.session();
  const marker = `unrecorded-${process.pid}`;
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: marker } });
  const ask = async () => {
    const socket = await rawConnect(mine.port, full.gateway.certificateAuthority);
    const headers = ['Content-Type: application/json', `Content-Length: ${body.length}`];
    const line = 'POST /api/v1/namespaces/default/configmaps';
    return parseAnswers(await rawExchange(socket, request(line, headers, mine.token, body)))[0]!;
  };
  await full.audit.record({
    at: new Date(),
    code: 'sign-out',
    actorId: null,
    actor: 'x',
    detail: { filler: 'x'.repeat(600) },
  });
  const answer = await ask();
  expect(answer.status).toBe(503);
  expect(answer.head).toContain('audit-unavailable');
  expect(await seenByCluster(marker)).toBe(0);
  full.database.away = false;
});
