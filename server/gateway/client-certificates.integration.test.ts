/** Client certificates at the gateway's address: what is promised of them, and what attackers try, at the real listener. */
import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, randomUUID, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { connect, type SecureVersion, type TLSSocket } from 'node:tls';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  X509Certificate as Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { correlationOf } from '../correlation.ts';
import { Problem } from '../domain/problem.ts';
import { Authority, createAuthority, type AuthorityKeys } from './authority.ts';
import { ClientAuthority, ClientCertificates } from './client-authority.ts';
import type { Door } from './door.ts';
import type { CredentialClaims } from './kubeconfig-door.ts';
import { answerProblem } from './kube-error.ts';
import { listenGateway, type GatewayListener } from './listener.ts';
import { KubernetesTokens, kubeconfigTokens } from './tokens.ts';

const noLink = () => Promise.reject(new Error('nobody asks'));
const NAME = 'CN=Sallyport client authority';
const person = randomUUID();
const cluster = randomUUID();
/** The rows of sessions, as the database has them: what each call is looked up in. */
const rows = new Map<string, { certificate: string | null; clusterId: string; ended: boolean }>();
let looked: CredentialClaims[] = [];
let now: Date;
let serving: Authority;
let keys: AuthorityKeys;
let clients: ClientAuthority;
let tokens: KubernetesTokens;
let listener: GatewayListener;

beforeAll(async () => {
  now = new Date();
  const clock = () => now;
  serving = await Authority.open(await createAuthority(now), clock);
  keys = await createAuthority(now, NAME);
  clients = await ClientAuthority.open(keys, clock);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  tokens = new KubernetesTokens({ keys: [privateKey], issuer: 'test', now: clock }, kubeconfigTokens);
  const { certificate, key } = await serving.issueServingCertificate();
  const never = () => Promise.reject(new Error('nobody calls the cluster'));
  const enter = async (incoming: IncomingMessage, door: Door) => {
    const { session, refused } = await door.enter(incoming);
    if (refused) throw refused;
    return session.id;
  };
  listener = await listenGateway(
    { host: '127.0.0.1', port: 0 },
    { cert: certificate, key },
    {
      api: {
        request(incoming, response, door) {
          enter(incoming, door).then(
            (id) => response.end(id),
            (error: Problem) =>
              answerProblem(response, error, {
                request: null,
                correlation: correlationOf(incoming),
                auditId: null,
                errorDocs: '',
              }),
          );
        },
        upgrade(incoming, socket, _head, door) {
          enter(incoming, door).then(
            (id) => socket.end(`HTTP/1.1 200 OK\r\nX-Session: ${id}\r\nContent-Length: 0\r\n\r\n`),
            ({ code }: Problem) => socket.end(`HTTP/1.1 401 ${code}\r\nContent-Length: 0\r\n\r\n`),
          );
        },
      },
      errorDocs: '',
      sessions: {
        async use(claims) {
          looked.push(claims);
          const row = rows.get(claims.sessionId);
          if (!row || row.ended || row.certificate !== claims.certificate || claims.subject !== person)
            throw new Problem('credential-revoked', 401, 'Gone.');
          return {
            id: claims.sessionId,
            clusterId: row.clusterId,
            cluster: 'test',
            actorId: person,
            actor: 'ann@example.com',
            role: 'view',
            serviceAccount: 'sp-ann',
          };
        },
        tokenAtHand: () => null,
        upstreamToken: never,
        accountGone() {},
      },
      tokens,
      clientAuthority: clients.certificate,
      corsOrigins: [],
      certificates: new ClientCertificates(clients, clock),
      links: { grant: noLink, spend: noLink },
      now: () => new Date(),
      clientAddress: () => '',
    },
  );
});
afterAll(() => listener?.[Symbol.asyncDispose]());
beforeEach(() => {
  rows.clear();
  looked = [];
  now = new Date();
});

type Identity = { certificate: string; key: string };

async function session(hours = 1) {
  const id = randomUUID();
  const expiresAt = new Date(now.getTime() + hours * 3_600_000);
  const subject = { userId: person, email: 'ann@example.com', sessionId: id, clusterId: cluster, expiresAt };
  const made = await clients.issue(subject);
  rows.set(id, { certificate: made.serial, clusterId: cluster, ended: false });
  return { id, subject, made };
}

type Asked = { path?: string; token?: string; headers?: Record<string, string>; agent?: Agent };
async function ask(identity: Identity | null, { path = '/k8s/test/api', token, headers = {}, agent }: Asked = {}) {
  const outgoing = request({
    host: '127.0.0.1',
    port: listener.port,
    path,
    ca: serving.certificate,
    ...(identity ? { cert: identity.certificate, key: identity.key } : {}),
    agent: agent ?? false,
    headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
  });
  outgoing.end();
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  const code = answer.headers['x-sallyport-error-code'];
  return code === undefined ? Buffer.concat(chunks).toString() : [answer.statusCode, code];
}

it('holds person, session and cluster, is for clients alone, and ends with its session', async () => {
  const id = randomUUID();
  const expiresAt = new Date('2026-03-01T10:00:00.900Z');
  const email = `ann, O=system:masters\\+CN=root@${'x'.repeat(80)}.example`;
  const { certificate, serial } = await clients.issue({
    userId: person,
    email,
    sessionId: id,
    clusterId: cluster,
    expiresAt,
  });
  const node = new X509Certificate(certificate);
  expect(node.verify(clients.publicKey)).toBe(true);
  expect(node.serialNumber.toLowerCase()).toBe(serial);
  expect(node.ca).toBe(false);
  expect(node.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  expect(node.subjectAltName).toBe(`URI:sallyport:session:${id}, URI:sallyport:cluster:${cluster}`);
  expect(node.validToDate).toEqual(new Date('2026-03-01T10:00:00Z'));
  expect(node.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  const { subjectName } = new Certificate(certificate);
  expect(subjectName.getField('CN')).toEqual([email.slice(0, 64)]);
  expect(subjectName.getField('O')).toEqual([]);
  expect(subjectName.getField('2.5.4.5')).toEqual([person]);
});

it('opens its session, looked up with its serial number at each request of a connection', async () => {
  const { id, made } = await session();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    expect(await ask(made, { agent })).toBe(id);
    expect(await ask(made, { agent, path: `/k8s/${cluster}/api` })).toBe(id);
    const claims = { channel: 'kubeconfig', sessionId: id, subject: person, certificate: made.serial };
    expect(looked).toEqual([claims, claims]);
    expect(await ask(made, { agent, path: '/k8s/other/api' })).toEqual([403, 'cluster-mismatch']);
    rows.get(id)!.ended = true;
    expect(await ask(made, { agent })).toEqual([401, 'credential-revoked']);
    rows.get(id)!.ended = false;
    // The connection stands, the certificate is over.
    now = new Date(now.getTime() + 3_600_001);
    expect(await ask(made, { agent })).toEqual([401, 'certificate-refused']);
  } finally {
    agent.destroy();
  }
});

it('another certificate for the same session opens nothing: the serial number counts, not the subject', async () => {
  const { subject, made } = await session();
  const twin = await clients.issue(subject);
  expect(await ask(twin)).toEqual([401, 'credential-revoked']);
  expect(await ask(made)).toBe(subject.sessionId);
  const elsewhere = await clients.issue({ ...subject, clusterId: randomUUID() });
  rows.get(subject.sessionId)!.certificate = elsewhere.serial;
  expect(await ask(elsewhere)).toEqual([403, 'cluster-mismatch']);
});

it('an upgrade is let in by its certificate, and by no other', async () => {
  const { id, subject, made } = await session();
  const upgrade = async (identity: Identity | null, more = '') => {
    const certificate = identity ? { cert: identity.certificate, key: identity.key } : {};
    const socket = connect({ port: listener.port, host: '127.0.0.1', ca: serving.certificate, ...certificate });
    socket.write(
      'GET /k8s/test/api/v1/namespaces/a/pods/b/exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        `${more}\r\n`,
    );
    let text = '';
    for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString();
    return text;
  };
  expect(await upgrade(made)).toContain(`X-Session: ${id}`);
  expect(await upgrade(null)).toContain('401 credential-missing');
  expect(await upgrade(await clients.issue(subject))).toContain('401 credential-revoked');
  // Cross-site WebSocket hijacking (CVE-2024-22413's kin): browsers name the page's Origin, and send what they have.
  for (const from of ['Origin: https://evil.example', 'Origin: null', 'Sec-Fetch-Site: cross-site'])
    expect(await upgrade(made, `${from}\r\n`)).toContain('401 cross-origin');
  expect(await upgrade(made, 'Origin: https://x\r\n')).toContain(`X-Session: ${id}`);
});

/** Signed with any key, whatever stands in it. */
async function forge(change: {
  by: AuthorityKeys;
  issuer?: string;
  usages?: string[];
  like: Identity;
  notBefore?: Date;
  notAfter?: Date;
}): Promise<Identity> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const der = createPrivateKey(change.by.key).export({ type: 'pkcs8', format: 'der' });
  const like = new Certificate(change.like.certificate);
  const kept = like.extensions.filter(({ type }) => type !== '2.5.29.19' && type !== '2.5.29.37');
  const certificate = await X509CertificateGenerator.create({
    serialNumber: like.serialNumber,
    subject: like.subjectName,
    issuer: change.issuer ?? new Certificate(change.by.certificate).subject,
    notBefore: change.notBefore ?? new Date(Date.now() - 7_200_000),
    notAfter: change.notAfter ?? new Date(Date.now() + 3_600_000),
    publicKey: pair.publicKey,
    signingKey: await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']),
    signingAlgorithm: algorithm,
    extensions: [
      ...kept,
      new BasicConstraintsExtension(false, undefined, true),
      new ExtendedKeyUsageExtension(change.usages ?? ['1.3.6.1.5.5.7.3.2']),
    ],
  });
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
  return {
    certificate: certificate.toString('pem'),
    key: createPrivateKey({ key, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

const other = () => createAuthority(new Date(), NAME);
const attacks: [what: string, make: (like: Identity) => Promise<Identity>][] = [
  [
    'of another authority with our name (RFC 5280 6.1: the signature)',
    async (like) => forge({ by: await other(), like }),
  ],
  ['of the authority that serves this address', async (like) => forge({ by: await createAuthority(now), like })],
  [
    'signed by itself',
    async (like) => {
      const own = await forge({ by: await other(), like });
      return forge({ by: { certificate: own.certificate, key: own.key }, like });
    },
  ],
  ['of ours that is over', (like) => forge({ by: keys, like, notAfter: new Date(Date.now() - 60_000) })],
  ['of ours that begins later', (like) => forge({ by: keys, like, notBefore: new Date(Date.now() + 60_000) })],
  [
    'of ours that is for servers (RFC 5280 4.2.1.12)',
    (like) => forge({ by: keys, like, usages: ['1.3.6.1.5.5.7.3.1'] }),
  ],
  [
    'signed by another certificate of ours (CVE-2002-0862: basic constraints)',
    async (like) => {
      const leaf = await forge({ by: keys, like });
      const below = await forge({ by: { certificate: leaf.certificate, key: leaf.key }, like });
      return { ...below, certificate: `${below.certificate}\n${leaf.certificate}` };
    },
  ],
];

it.each(attacks)('refused is a certificate %s', async (_what, make) => {
  const { made } = await session();
  const forged = await make(made);
  expect(await ask(forged)).toEqual([401, 'certificate-refused']);
  // Nor beside a token that is good: what came is not overlooked.
  const { id, expiresAt } = await tokenSession();
  const { token } = await tokens.issue({ userId: person, sessionId: id, clusterId: cluster, expiresAt });
  expect(await ask(forged, { token })).toEqual([401, 'certificate-refused']);
  expect(looked).toEqual([]);
});

it('a clock that is behind is no reason to refuse; one that says too early or too late is named', async () => {
  const sentence = async (identity: Identity) => {
    const outgoing = request({
      host: '127.0.0.1',
      port: listener.port,
      path: '/k8s/test/api',
      ca: serving.certificate,
      cert: identity.certificate,
      key: identity.key,
      agent: false,
    });
    outgoing.end();
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of answer.setEncoding('utf8')) text += chunk as string;
    return text;
  };
  const { made } = await session();
  const hour = 3_600_000;
  expect(await sentence(await forge({ by: keys, like: made, notAfter: new Date(Date.now() - 1_000) }))).toContain(
    'This client certificate has expired. Download a new kubeconfig in the portal.',
  );
  expect(await sentence(await forge({ by: keys, like: made, notBefore: new Date(Date.now() + hour) }))).toContain(
    'This client certificate is not valid yet, by the clock of the portal. Tell the operator',
  );
  expect(await sentence(await forge({ by: await other(), like: made }))).toContain('is none of this portal’s.');
  // As a replica makes it whose clock is nearly an hour ahead.
  now = new Date(Date.now() + 0.9 * hour);
  const ahead = await session();
  now = new Date();
  expect(await ask(ahead.made)).toBe(ahead.id);
});

async function tokenSession() {
  const id = randomUUID();
  rows.set(id, { certificate: null, clusterId: cluster, ended: false });
  return { id, expiresAt: new Date(now.getTime() + 3_600_000) };
}
const tokenOf = async (sessionId: string) =>
  (
    await tokens.issue({
      userId: person,
      sessionId,
      clusterId: cluster,
      expiresAt: new Date(now.getTime() + 3_600_000),
    })
  ).token;

it('a token and a certificate are of one session, or are refused; neither opens what is the other’s', async () => {
  const { id, made } = await session();
  const plain = await tokenSession();
  expect(await ask(null, { token: await tokenOf(plain.id) })).toBe(plain.id);
  expect(await ask(made, { token: await tokenOf(plain.id) })).toEqual([401, 'credentials-differ']);
  expect(await ask(made, { token: await tokenOf(id) })).toBe(id);
  // RFC 8705 3: a token of a session with a certificate is bound to it.
  expect(await ask(null, { token: await tokenOf(id) })).toEqual([401, 'credential-revoked']);
  expect(await ask(made, { token: `${(await tokenOf(id)).slice(0, -8)}AAAAAAAA` })).toEqual([401, 'token-invalid']);
  expect(await ask(made, { headers: { authorization: 'Basic YTpi' } })).toEqual([401, 'credentials-differ']);
});

it('a header is no certificate: what a proxy says of one, anybody can say', async () => {
  const { made } = await session();
  const flat = encodeURIComponent(made.certificate);
  for (const name of [
    'x-forwarded-client-cert',
    'x-client-cert',
    'ssl-client-cert',
    'x-ssl-client-cert',
    'client-cert',
  ])
    expect(await ask(null, { headers: { [name]: flat, 'x-ssl-client-verify': 'SUCCESS' } })).toEqual([
      401,
      'credential-missing',
    ]);
});

const versions: SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
it.each(versions)('%s is not resumed (nginx CVE-2025-23419, Apache CVE-2025-23048)', async (version) => {
  const { id, made } = await session();
  const options = {
    port: listener.port,
    host: '127.0.0.1',
    ca: serving.certificate,
    minVersion: version,
    maxVersion: version,
  };
  const talk = async (socket: TLSSocket) => {
    await once(socket, 'secureConnect');
    expect(socket.isSessionReused()).toBe(false);
    socket.write('GET /k8s/test/api HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    let text = '';
    for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString();
    return text;
  };
  const first = connect({ ...options, cert: made.certificate, key: made.key });
  const tickets: Buffer[] = [];
  first.on('session', (ticket: Buffer) => tickets.push(ticket));
  expect(await talk(first)).toContain(id);
  for (const ticket of [...tickets, first.getSession()]) {
    if (!ticket) continue;
    expect(await talk(connect({ ...options, session: ticket }))).toContain('credential-missing');
  }
  rows.get(id)!.ended = true;
  const last = connect({ ...options, cert: made.certificate, key: made.key, session: tickets.at(-1) });
  expect(await talk(last)).toContain('credential-revoked');
});

it('a renewed certificate of the address still asks for clients’ own, and still resumes nothing', async () => {
  const { certificate, key } = await serving.issueServingCertificate();
  listener.useCertificate({ cert: certificate, key });
  const { id, made } = await session();
  expect(await ask(made)).toBe(id);
  expect(await ask(await forge({ by: await other(), like: made }))).toEqual([401, 'certificate-refused']);
  const socket = connect({ port: listener.port, host: '127.0.0.1', ca: serving.certificate, maxVersion: 'TLSv1.2' });
  await once(socket, 'secureConnect');
  const ticket = socket.getSession();
  socket.destroy();
  const again = connect({
    port: listener.port,
    host: '127.0.0.1',
    ca: serving.certificate,
    maxVersion: 'TLSv1.2',
    session: ticket,
  });
  await once(again, 'secureConnect');
  expect(again.isSessionReused()).toBe(false);
  again.destroy();
});
