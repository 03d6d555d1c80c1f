/** The provider here is the attacker, or its victim: it answers each redeeming with the id token that the test wants. */
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import type { AddressInfo } from 'node:net';
import { exportJWK, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { OidcProvider, type OidcOptions } from './oidc.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const NONCE = 'nonce-of-this-browser';
const CLIENT = 'portal';

let issuer: string;
let answer: { status: number; body: unknown };
let userinfo: Record<string, unknown>;
let seen: { form: URLSearchParams; authorization: string | undefined };
let metadata: Record<string, unknown>;
/** How the provider answers for its keys, where it does not as it should. */
let keys: ((response: ServerResponse) => void) | undefined;

const server = createServer((request, response) => void handle(request, response));

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const say = (status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  if (request.url === '/.well-known/openid-configuration')
    return say(200, {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      userinfo_endpoint: `${issuer}/me`,
      ...metadata,
    });
  if (request.url === '/jwks') {
    if (keys) return keys(response);
    // Without `alg`, as some providers publish it: what the key may be used for is ours to know.
    return say(200, { keys: [{ ...(await exportJWK(rsa.publicKey)), kid: 'k1', use: 'sig' }] });
  }
  if (request.url === '/me') return say(200, userinfo);
  let body = '';
  for await (const chunk of request) body += String(chunk);
  seen = { form: new URLSearchParams(body), authorization: request.headers.authorization };
  return say(answer.status, answer.body);
}

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  userinfo = { sub: 'ada' };
  metadata = {};
  keys = undefined;
});

function provider(options: Partial<OidcOptions> = {}): OidcProvider {
  return new OidcProvider(
    {
      issuer,
      clientId: CLIENT,
      clientSecret: 's3cret/+',
      issuers: [issuer],
      audiences: [CLIENT],
      metadataUrl: `${issuer}/.well-known/openid-configuration`,
      nameClaim: 'name',
      groupsClaim: 'groups',
      ...options,
    },
    () => new Date(),
  );
}

const claims = () => ({ nonce: NONCE, email: 'Ada@Example.org', name: 'Ada', groups: ['dev', 'ops'] });

/** A good token; `change` makes it bad. */
async function token(
  change: Record<string, unknown> = {},
  key: KeyObject = rsa.privateKey,
  alg = 'RS256',
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const payload: Record<string, unknown> = {
    iss: issuer,
    sub: 'ada',
    aud: CLIENT,
    iat: now,
    exp: now + 300,
    ...claims(),
    ...change,
  };
  for (const [name, value] of Object.entries(payload)) if (value === undefined) delete payload[name];
  return new SignJWT(payload).setProtectedHeader({ alg, kid: 'k1' }).sign(key);
}

async function redeem(idToken: string, options: Partial<OidcOptions> = {}, nonce: string | undefined = NONCE) {
  answer = { status: 200, body: { id_token: idToken, access_token: 'at', token_type: 'Bearer' } };
  return provider(options).redeem({
    code: 'c0de',
    codeVerifier: 'verifier',
    nonce,
    redirectUri: 'https://portal.example/cb',
  });
}

test('a good answer is who it says, and the code was redeemed with verifier, address and the client’s secret', async () => {
  expect(await redeem(await token())).toEqual({
    provider: 'oidc',
    issuer,
    subject: 'ada',
    email: 'ada@example.org',
    name: 'Ada',
    groups: ['dev', 'ops'],
  });
  expect(Object.fromEntries(seen.form)).toEqual({
    grant_type: 'authorization_code',
    code: 'c0de',
    code_verifier: 'verifier',
    redirect_uri: 'https://portal.example/cb',
  });
  expect(seen.authorization).toBe(`Basic ${Buffer.from('portal:s3cret%2F%2B').toString('base64')}`);
});

test.each<[string, () => Promise<string>]>([
  [
    'alg none',
    async () =>
      new UnsecuredJWT({ ...claims(), sub: 'ada' })
        .setIssuer(issuer)
        .setAudience(CLIENT)
        .setIssuedAt()
        .setExpirationTime('5m')
        .encode(),
  ],
  [
    'HS256 signed with the public key',
    async () => hmac(rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string),
  ],
  ['HS256 signed with the client’s secret', async () => hmac('s3cret/+')],
  ['a key that is not the provider’s', () => token({}, other.privateKey)],
  ['another issuer', () => token({ iss: 'https://evil.example' })],
  ['an issuer that only begins like ours', () => token({ iss: `${issuer}/` })],
  ['another audience', () => token({ aud: 'another-client' })],
  ['several audiences without azp', () => token({ aud: [CLIENT, 'another-client'] })],
  ['issued to another client', () => token({ aud: [CLIENT, 'another-client'], azp: 'another-client' })],
  ['azp of another client, one audience', () => token({ azp: 'another-client' })],
  ['another nonce', () => token({ nonce: 'of-another-browser' })],
  ['no nonce', () => token({ nonce: undefined })],
  ['expired', () => token({ exp: Math.floor(Date.now() / 1000) - 120 })],
  ['no expiry', () => token({ exp: undefined })],
  ['issued long ago', () => token({ iat: Math.floor(Date.now() / 1000) - 3_600 })],
  ['not valid yet', () => token({ nbf: Math.floor(Date.now() / 1000) + 600 })],
  ['no subject', () => token({ sub: undefined })],
  ['an empty subject', () => token({ sub: '' })],
  ['no token at all', async () => 'x.y.z'],
])('refuses an id token with %s', async (_what, make) => {
  await expect(redeem(await make())).rejects.toMatchObject({ code: 'id-token-refused', status: 401 });
});

test('refuses where the browser had no nonce, whatever the token says', async () => {
  await expect(redeem(await token({ nonce: '' }), {}, '')).rejects.toMatchObject({ code: 'id-token-refused' });
});

test('accepts further issuers and audiences where the operator named them', async () => {
  const options = { issuers: [issuer, 'https://old.example'], audiences: [CLIENT, 'cli'] };
  const identity = await redeem(await token({ iss: 'https://old.example', aud: ['cli', 'x'], azp: 'cli' }), options);
  // One person, one row, by whichever name the provider goes.
  expect(identity.issuer).toBe(issuer);
});

test('asks userinfo for what the token leaves out, and believes it of the same person only', async () => {
  userinfo = { sub: 'ada', groups: ['from-userinfo'], email: 'x@example.org' };
  expect((await redeem(await token({ groups: undefined }))).groups).toEqual(['from-userinfo']);
  userinfo = { sub: 'mallory', groups: ['sallyport-admins'] };
  await expect(redeem(await token({ groups: undefined }))).rejects.toMatchObject({ code: 'id-token-refused' });
});

test('what the signed token says beats userinfo', async () => {
  userinfo = { sub: 'ada', groups: ['dev'], email: 'other@example.org' };
  expect((await redeem(await token({ groups: undefined }))).email).toBe('ada@example.org');
});

test('reads names and groups from the claims that the operator chose', async () => {
  const options = { nameClaim: 'display', groupsClaim: 'realm_access.roles' };
  const identity = await redeem(await token({ display: 'Countess', realm_access: { roles: ['a', 7, ''] } }), options);
  expect(identity).toMatchObject({ name: 'Countess', groups: ['a'] });
});

test.each([
  [400, { error: 'invalid_grant' }, 'code-refused'],
  [200, {}, 'code-refused'],
  [401, { error: 'invalid_client' }, 'provider-misconfigured'],
  [500, {}, 'provider-unavailable'],
])('a token endpoint that answers %s %j is said as %s', async (status, body, code) => {
  answer = { status, body };
  const redeeming = provider().redeem({
    code: 'c',
    codeVerifier: 'v',
    nonce: NONCE,
    redirectUri: 'https://portal.example/cb',
  });
  await expect(redeeming).rejects.toMatchObject({ code });
});

test('metadata of another issuer is not used', async () => {
  metadata = { issuer: 'https://evil.example' };
  await expect(provider().metadata()).rejects.toMatchObject({ code: 'provider-misconfigured' });
});

// A browser is sent to these, and the page policy names their origins.
test.each([
  { authorization_endpoint: 'javascript:alert(document.domain)' },
  { authorization_endpoint: 'data:text/html,<script>alert(1)</script>' },
  { authorization_endpoint: "https://evil;script-src-elem'unsafe-inline'/auth" },
  { token_endpoint: 'file:///etc/passwd' },
  { end_session_endpoint: 'javascript:alert(document.domain)' },
  { end_session_endpoint: 'no address' },
  { userinfo_endpoint: ['https://evil.example'] },
  { token_endpoint_auth_methods_supported: 'client_secret_basic' },
])('metadata with %j is not used', async (endpoint) => {
  metadata = endpoint;
  await expect(provider().metadata()).rejects.toMatchObject({ code: 'provider-misconfigured' });
});

test.each<[string, (response: ServerResponse) => void]>([
  ['without end', endless],
  ['without end, compressed', (response) => endless(response.setHeader('content-encoding', 'gzip'), gzipSync(zeros))],
  ['that are another server’s', (response) => response.writeHead(302, { location: `${issuer}/me` }).end()],
  ['that are none', (response) => response.end('{"keys":"x"}')],
])('keys %s are not read to the end, and nobody signs in by them', async (_what, answer) => {
  keys = answer;
  const before = performance.now();
  await expect(redeem(await token())).rejects.toMatchObject({
    code: expect.stringMatching(/^(provider-unavailable|id-token-refused)$/),
  });
  expect(performance.now() - before).toBeLessThan(5_000);
});

test.each([
  // One for each place that a header may name a key in.
  { kid: '../../../../dev/null' },
  { kid: "k1' or '1'='1" },
  { jku: 'http://127.0.0.1:9/' },
])('a header of %j finds no other key', async (header) => {
  const forged = await new SignJWT({ ...claims(), sub: 'ada' })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1', ...header, jwk: await exportJWK(other.publicKey) })
    .setIssuer(issuer)
    .setAudience(CLIENT)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(other.privateKey);
  await expect(redeem(forged)).rejects.toMatchObject({ code: 'id-token-refused' });
});

test('a provider that is away is said by its host, without anything of the request', async () => {
  const away = provider({ metadataUrl: 'http://127.0.0.1:9/.well-known/openid-configuration' });
  await expect(away.metadata()).rejects.toMatchObject({
    code: 'provider-unavailable',
    status: 502,
    meta: { host: '127.0.0.1:9' },
  });
});

const zeros = Buffer.alloc(1024 * 1024, ' ');

/** Writes as fast as it is read, until nobody reads any more. */
function endless(response: ServerResponse, chunk = zeros): void {
  const more = () => {
    while (response.write(chunk));
  };
  response.on('drain', more);
  more();
}

function hmac(secret: string): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', kid: 'k1' })}.${part({ iss: issuer, sub: 'ada', aud: CLIENT, iat: now, exp: now + 300, ...claims() })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
