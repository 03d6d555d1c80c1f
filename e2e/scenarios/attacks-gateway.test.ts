/**
 * Attacks at the gateway's own address, as bytes: what its prefix and its many people add to the path behind it, which
 * server/gateway/attacks.integration.test.ts attacks. Each names the rule or the CVE that it answers.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../machine/until.ts';
import { authorityIn, issueKubeconfig } from '../own-tools.ts';
import { TestPortal, type Visitor } from '../portal.ts';
import { parseAnswers, rawConnect, rawExchange, type RawAnswer } from '../raw-tls.ts';

type Credential = { token: string; id: string; email: string };

let portal: TestPortal;
let authority: string;
let alice: Credential;
let bob: Credential;
let baseline = 0;

beforeAll(async () => {
  portal = await TestPortal.start();
  const role = await portal.role();
  [alice, bob] = [await credential(await portal.visitor([role])), await credential(await portal.visitor([role]))];
  // As many at once as any attack has: what is kept for the next call is open from now on.
  await Promise.all(Array.from({ length: 12 }, () => send(request(`GET ${POD}`))));
  baseline = portal.sockets();
});
afterAll(async () => {
  try {
    // None of all that was tried leaves a socket open, by the kernel's count.
    if (baseline) await portal.socketsBack(baseline);
  } finally {
    await portal?.[Symbol.asyncDispose]();
  }
});

async function credential(person: Visitor): Promise<Credential> {
  const { kubeconfig, token, id } = await issueKubeconfig(person);
  authority = authorityIn(kubeconfig);
  return { token, id, email: person.email };
}

const connect = () => rawConnect(Number(new URL(portal.gatewayUrl).port), authority);

async function send(bytes: string): Promise<RawAnswer[]> {
  return parseAnswers(await rawExchange(await connect(), bytes));
}

function request(line: string, headers: string[] = [], token = alice.token, body = ''): string {
  const all = ['Host: gateway', `Authorization: Bearer ${token}`, 'Connection: close', ...headers];
  return `${line} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n${body}`;
}

const code = (answer: RawAnswer | undefined) => /\r\nx-sallyport-error-code: (\S+)/i.exec(answer?.head ?? '')?.[1];
const POD = '/k8s/test/api/v1/namespaces/default';

test('a plain request works, so that the others are refused for what they are', async () => {
  expect((await send(request(`GET ${POD}`)))[0]).toMatchObject({ status: 200 });
});

test.each([
  ['GET /k8s/test/../other/api', 'a path that leaves the cluster'],
  ['GET /k8s/test/%2e%2e/other/api', 'the same, encoded'],
  ['GET /k8s/test/%252e%252e/other/api', 'the same, encoded twice'],
  ['GET /k8s/test%2fapi', 'an encoded slash behind the cluster (CVE-2019-11253 and its kin: one reading only)'],
  ['GET /k8s//test/api', 'no cluster'],
  ['GET /k8s/TEST/api', 'another case'],
  ['GET /k8s/test;x/api', 'a parameter at the cluster'],
  ['GET /k8s/test\\api', 'a backslash'],
  ['GET //k8s/test/api', 'two slashes'],
  ['GET /k8s/test//api', 'two slashes on the cluster'],
  ['GET http://gateway/k8s/test/api', 'an absolute target (RFC 9112, 3.2.2)'],
  ['GET https://169.254.169.254/k8s/test/api', 'another host as an absolute target'],
  ['CONNECT 127.0.0.1:6443', 'a tunnel (RFC 9110, 9.3.6)'],
  ['CONNECT /k8s/test/api', 'a tunnel by our own path'],
  ['TRACE /k8s/test/api', 'TRACE'],
  ['OPTIONS *', 'the asterisk'],
  ['GET /api/v1/secrets', 'no prefix at all'],
  ['GET /k8s/test/api/v1/proxy/nodes/node-1/pods', 'the legacy proxy'],
  ['GET /k8s/test/api/v1/nodes/node-1/proxy/pods', 'a node’s kubelet (Kubernetes #78741)'],
  ['POST /k8s/test/api/v1/namespaces/default/serviceaccounts/default/token', 'minting a token'],
])('%s: %s', async (line) => {
  const [answer, ...more] = await send(request(line, ['Content-Length: 0']));
  expect(answer!.status).toBeGreaterThanOrEqual(400);
  expect(answer!.status).toBeLessThan(500);
  expect(more).toEqual([]);
});

const IMPERSONATION = [
  'Impersonate-User: x',
  'impersonate-group: system:masters',
  'Impersonate-Uid: 1',
  'Impersonate-Extra-a: b',
];
test.each(IMPERSONATION)('%s is refused with a sentence (Rancher CVE-2021-31999)', async (header) => {
  const [answer] = await send(request(`GET ${POD}`, [header]));
  expect(answer).toMatchObject({ status: 403 });
  expect(code(answer)).toBe('impersonation-refused');
});

test.each([
  ['Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\nGET /k8s/test/api HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['Content-Length: 0\r\nContent-Length: 44', 'GET /k8s/test/api HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['Transfer-Encoding: xchunked', '0\r\n\r\n'],
  ['X: y\r\n Content-Length: 5', 'abcde'],
])('smuggling %j is one refusal and the end of the connection (RFC 9112, 6.3)', async (framing, body) => {
  const answers = await send(request(`POST ${POD}/configmaps`, [framing], alice.token, body));
  expect(answers).toHaveLength(1);
  expect(answers[0]!.status).toBe(400);
});

test('tokens that are none of ours, or ours for something else', async () => {
  const claims = { sid: alice.id, cluster: 'test' };
  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const [head, body, signature] = alice.token.split('.') as [string, string, string];
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string };
  const signed = new SignJWT(claims).setSubject('x').setAudience('sallyport-kubeconfig').setJti(randomUUID());
  const payload = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
  const bobs = Buffer.from(JSON.stringify({ ...payload, sid: bob.id })).toString('base64url');
  const tokens = [
    // Hono CVE-2026-22817: no algorithm
    new UnsecuredJWT(claims).setAudience('sallyport-kubeconfig').setExpirationTime('5m').encode(),
    await signed.setProtectedHeader({ alg: 'ES256', kid: header.kid }).setExpirationTime('5m').sign(foreign),
    `${head}.${bobs}.${signature}`,
    `${head}.${body}.`,
    `${head}.${body}`,
    `${head}.${body}.${signature}.${signature}`,
    portal.adminToken,
    'x'.repeat(5_000),
  ];
  for (const token of tokens) expect((await send(request(`GET ${POD}`, [], token)))[0]!.status).toBe(401);
});

test('two people on one connection: each answer is its own person’s', async () => {
  const review = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' });
  const asked = ({ token }: Credential) =>
    [
      'POST /k8s/test/apis/authentication.k8s.io/v1/selfsubjectreviews HTTP/1.1',
      'Host: gateway',
      `Authorization: Bearer ${token}`,
      'Content-Type: application/json',
      `Content-Length: ${review.length}`,
      '',
      review,
    ].join('\r\n');
  const order = [alice, bob, bob, alice, bob, alice];
  const closing = `GET /k8s/test/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
  const answers = await send(order.map(asked).join('') + closing);
  const whose = answers.map(({ body }) => /sp-(p[0-9a-f]{8})-/.exec(body)?.[1]);
  expect(whose).toEqual([...order.map(({ email }) => email.split('@')[0]), undefined]);
  // Without a credential the last one has nobody's.
  expect(answers.at(-1)).toMatchObject({ status: 401 });
});

test('headers that are too large end in an answer, and nothing stays open', async () => {
  expect((await send(request(`GET ${POD}`, [`X: ${'x'.repeat(66_000)}`])))[0]!.status).toBe(431);
  const open = async () => {
    const text = await (await fetch(`${portal.url}/metrics`)).text();
    return Number(/^sallyport_kubernetes_connections (\d+)$/m.exec(text)?.[1]);
  };
  await until(async () => (await open()) === 0, { what: 'the end of every connection' });
});

test('a client that stops reading a large answer is held back, and the next person is not', async () => {
  const socket = await connect();
  socket.pause();
  socket.write(
    `GET /k8s/test/openapi/v2 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${alice.token}\r\n\r\n`.repeat(20),
  );
  expect((await send(request(`GET ${POD}`, [], bob.token)))[0]).toMatchObject({ status: 200 });
  socket.destroy();
});

test('other protocols by Upgrade are refused (h2c smuggling)', async () => {
  const upgrade = ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA'];
  const bytes = request(`GET ${POD}`, upgrade).replace('Connection: close', 'Connection: Upgrade, HTTP2-Settings');
  const [answer] = await send(bytes);
  expect(answer).toMatchObject({ status: 400 });
  expect(code(answer)).toBe('upgrade-refused');
});
