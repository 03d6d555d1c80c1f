/** Service users, and id tokens of CI jobs exchanged for their API tokens: what is promised, and what attackers try. */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBarePortal, type BarePortal } from '../e2e/bare-portal.ts';
import { CiIssuer, newKey } from '../e2e/ci-issuer.ts';
import { until } from '../e2e/machine/until.ts';

type Visitor = { id: string; email: string; cookie: string; webSession: string };
type Answer = {
  access_token: string;
  issued_token_type: string;
  token_type: string;
  expires_in: number;
  scope: string;
  error: string;
  error_description: string;
};
type Body = { id: string; code: string; token: string; email: string; items: { id: string }[] };

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const AUDIENCE = 'https://sallyport.example';

let issuer: CiIssuer;
let portal: BarePortal;
let admin: Visitor;
let ann: Visitor;
let bob: Visitor;

async function join(name: string, group: string): Promise<Visitor> {
  const person = await portal.person(name, [group]);
  return { ...person, ...(await portal.signIn(person.id)) };
}

beforeAll(async () => {
  issuer = await CiIssuer.start();
  portal = await startBarePortal({
    NODE_EXTRA_CA_CERTS: issuer.authorityFile,
    SALLYPORT_ISSUER_PRIVATE: '127.0.0.1,::1',
    // So that each case comes from an address of its own: many wrong ones from one are stopped.
    SALLYPORT_TRUSTED_PROXIES: '127.0.0.1,::1',
  });
  admin = await join('root', 'sallyport-admins');
  ann = await join('ann', 'sallyport-developers');
  bob = await join('bob', 'sallyport-developers');
});
afterAll(async () => {
  await portal?.[Symbol.asyncDispose]();
  await issuer?.[Symbol.asyncDispose]();
});

async function rest(as: Visitor | string | null, method: string, path: string, body?: object) {
  const headers: Record<string, string> = body ? { 'content-type': 'application/json' } : {};
  if (typeof as === 'string') headers['authorization'] = `Bearer ${as}`;
  else if (as) Object.assign(headers, { cookie: as.cookie, origin: portal.origin });
  const answer = await fetch(`${portal.origin}/api/v1${path}`, {
    method,
    headers,
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await answer.text();
  return { status: answer.status, body: (text ? JSON.parse(text) : {}) as Body };
}

async function made<T = Body>(as: Visitor, path: string, body: object): Promise<T> {
  const answer = await rest(as, 'POST', path, body);
  expect(answer).toMatchObject({ status: 201 });
  return answer.body as T;
}

async function exchange(form: Record<string, string>, address = `198.51.100.${randomBytes(1)[0]}`) {
  const answer = await fetch(`${portal.origin}/oauth/token`, {
    method: 'POST',
    headers: { 'x-forwarded-for': address },
    body: new URLSearchParams({ grant_type: GRANT, subject_token_type: ID_TOKEN, ...form }),
  });
  const correlation = answer.headers.get('x-correlation-id')!;
  return { status: answer.status, headers: answer.headers, correlation, body: (await answer.json()) as Answer };
}

let count = 0;
/** A service user of ann's with a trust in jobs of an owner of its own. */
async function trusted(change: object = {}) {
  const name = `ci-${++count}`;
  const owner = `acme-${count}`;
  const user = await made(admin, '/service-users', { name, groups: ['sallyport-developers'], owner: ann.id });
  const trust = await made(admin, `/service-users/${user.id}/trusts`, {
    name,
    issuer: issuer.url,
    audience: AUDIENCE,
    owner: { claim: 'repository_owner', value: owner },
    conditions: [{ claim: 'ref', pattern: 'refs/heads/*' }],
    ...change,
  });
  const claims = { aud: AUDIENCE, repository_owner: owner, ref: 'refs/heads/main', sub: `repo:${owner}/app` };
  return { user, trust, claims, name };
}

/** Why these requests were refused, as the audit log has it. */
async function reasons(...correlations: string[]): Promise<string[]> {
  return until(
    async () => {
      const rows = await portal.sql<{ reason: string }[]>`
        select detail->>'reason' as reason from audit_events
        where code = 'token.exchange-refused' and correlation_id in ${portal.sql(correlations)}`;
      return rows.length >= correlations.length && rows.map(({ reason }) => reason);
    },
    { what: `the refusal of ${correlations.join()}` },
  );
}

describe('service users', () => {
  test('are made by administrators alone, and sign in nowhere', async () => {
    const wish = { name: 'deploy', groups: ['sallyport-developers'], owner: ann.id };
    expect(await rest(ann, 'POST', '/service-users', wish)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const user = await made(admin, '/service-users', wish);
    expect(user).toMatchObject({ provider: 'service', email: 'service:deploy', owner: { id: ann.id } });
    expect(await rest(admin, 'POST', '/service-users', wish)).toMatchObject({ body: { code: 'user-exists' } });
    const password = { password: 'correct horse battery staple' };
    expect(await rest(admin, 'PATCH', `/users/${user.id}`, password)).toMatchObject({ body: { code: 'service-user' } });
    const [row] = await portal.sql`select password_hash from users where id = ${user.id}`;
    expect(row).toEqual({ password_hash: null });
    for (const owner of [user.id, randomUUID()])
      expect(await rest(admin, 'POST', '/service-users', { name: 'other', owner })).toMatchObject({
        status: 409,
        body: { code: 'owner-invalid' },
      });
  });

  test('their tokens are for administrators and the owner; nobody else learns that there is such a user', async () => {
    const { user } = await trusted();
    const wish = { name: 'pipeline', scopes: ['read', 'sessions'], days: 30 };
    const path = `/service-users/${user.id}/tokens`;
    const { token } = await made(ann, path, wish);
    await made(admin, path, wish);
    expect(await rest(token, 'GET', '/me')).toMatchObject({ status: 200, body: { email: user.email } });
    expect(await rest(bob, 'POST', path, wish)).toMatchObject({ status: 404, body: { code: 'user-not-found' } });
    expect(await rest(bob, 'GET', path)).toMatchObject({ status: 404 });
    expect(await rest(bob, 'GET', `/service-users/${user.id}/trusts`)).toMatchObject({ status: 404 });
    // By a token none is made: whoever steals one would outlive its revocation.
    expect(await rest(token, 'POST', path, wish)).toMatchObject({ status: 403, body: { code: 'needs-sign-in' } });
    // What a person's own tokens are is not managed here.
    expect(await rest(admin, 'GET', `/service-users/${bob.id}/tokens`)).toMatchObject({ status: 404 });
    const { items } = (await rest(ann, 'GET', path)).body;
    expect(items).toHaveLength(2);
    expect((await rest(ann, 'DELETE', `${path}/${items[1]!.id}`)).status).toBe(204);
    expect(await rest(token, 'GET', '/me')).toMatchObject({ status: 401, body: { code: 'token-invalid' } });
  });

  test('an owner does not become an administrator by a program’s groups', async () => {
    const user = await made(admin, '/service-users', { name: 'ops', groups: ['sallyport-admins'], owner: ann.id });
    const path = `/service-users/${user.id}/tokens`;
    const wish = { name: 'up', scopes: ['read', 'admin'], days: 1 };
    expect(await rest(ann, 'POST', path, wish)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const { token } = await made(ann, path, { ...wish, scopes: ['read'] });
    expect(await rest(token, 'POST', '/service-users', { name: 'more', owner: ann.id })).toMatchObject({
      status: 403,
      body: { code: 'token-scope' },
    });
    // Where only a program would be left to administer, people would be locked out.
    expect(await rest(admin, 'PATCH', `/users/${admin.id}`, { groups: [] })).toMatchObject({
      status: 409,
      body: { code: 'last-admin' },
    });
  });

  test('a person who is disabled takes along the tokens that they made for it, and no others', async () => {
    const eve = await join(`eve-${randomBytes(3).toString('hex')}`, 'sallyport-developers');
    const user = await made(admin, '/service-users', { name: 'nightly', groups: [], owner: eve.id });
    const path = `/service-users/${user.id}/tokens`;
    const wish = { name: 'x', scopes: ['read'], days: 1 };
    const hers = await made(eve, path, wish);
    const ours = await made(admin, path, wish);
    expect((await rest(admin, 'PATCH', `/users/${eve.id}`, { disabled: true })).status).toBe(200);
    expect((await rest(hers.token, 'GET', '/me')).status).toBe(401);
    expect((await rest(ours.token, 'GET', '/me')).status).toBe(200);
    expect((await rest(admin, 'PATCH', `/users/${user.id}`, { owner: ann.id })).status).toBe(200);
    expect((await rest(admin, 'PATCH', `/users/${user.id}`, { disabled: true })).status).toBe(200);
    expect((await rest(ours.token, 'GET', '/me')).status).toBe(401);
  });
});

describe('an exchange', () => {
  test('gives a short token of the service user, with the trust’s scopes (RFC 8693 2.2.1)', async () => {
    const { claims, user } = await trusted();
    const { status, headers, body } = await exchange({ subject_token: await issuer.token(claims) });
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      access_token: expect.stringMatching(/^sp_/),
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: expect.toSatisfy((seconds: number) => seconds > 890 && seconds <= 900),
      scope: 'read sessions',
    });
    expect(await rest(body.access_token, 'GET', '/me')).toMatchObject({ status: 200, body: { email: user.email } });
    expect(await rest(body.access_token, 'GET', '/users')).toMatchObject({ status: 403 });
    const [event] = await until(
      async () => {
        const rows = await portal.sql<{ actor: string; detail: Record<string, unknown> }[]>`
          select actor, detail from audit_events where code = 'token.exchanged' and detail->>'sub' = ${claims.sub}`;
        return rows.length > 0 && rows;
      },
      { what: 'the exchange on record' },
    );
    expect(event).toMatchObject({ actor: user.email, detail: { issuer: issuer.url, ref: 'refs/heads/main' } });
    expect(JSON.stringify(event)).not.toContain(body.access_token.slice(3));
  });

  test('takes a jwt, ES256, fewer scopes, and the portal as its target', async () => {
    const { claims } = await trusted();
    const { status, body } = await exchange({
      subject_token: await issuer.token(claims, { by: issuer.keys[1]! }),
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      scope: 'read',
      audience: portal.origin,
    });
    expect([status, body.scope]).toEqual([200, 'read']);
    expect(await rest(body.access_token, 'POST', '/me/kubeconfigs', {})).toMatchObject({
      status: 403,
      body: { code: 'token-scope' },
    });
  });

  test('what a refusal asks to be mended uses the token up for nobody', async () => {
    const { claims, name, user } = await trusted();
    const more = { name: `${name}-read`, issuer: issuer.url, audience: AUDIENCE, scopes: ['read'] };
    const owner = { claim: 'repository_owner', value: claims.repository_owner };
    await made(admin, `/service-users/${user.id}/trusts`, { ...more, owner });
    const subject_token = await issuer.token(claims);
    const both = await exchange({ subject_token });
    expect(both).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect(both.body.error_description).toContain('trust');
    expect(await exchange({ subject_token, trust: `${name}-read`, scope: 'sessions' })).toMatchObject({
      status: 400,
      body: { error: 'invalid_scope' },
    });
    expect(await exchange({ subject_token, trust: `${name}-read` })).toMatchObject({
      status: 200,
      body: { scope: 'read' },
    });
  });

  test('is there once: a second time, many at once, and by another spelling of the signature', async () => {
    const { claims } = await trusted();
    const subject_token = await issuer.token(claims);
    const all = await Promise.all(Array.from({ length: 8 }, () => exchange({ subject_token })));
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1);
    // Without a jti. (r, n - s) is as good a signature as (r, s).
    const plain = await issuer.token({ ...claims, jti: undefined }, { by: issuer.keys[1]! });
    expect((await exchange({ subject_token: plain })).status).toBe(200);
    expect((await exchange({ subject_token: plain })).status).toBe(400);
    const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
    const signature = Buffer.from(plain.split('.')[2]!, 'base64url');
    const s = BigInt(`0x${signature.subarray(32).toString('hex')}`);
    const flipped = Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex');
    const other = Buffer.concat([signature.subarray(0, 32), flipped]).toString('base64url');
    const twin = [...plain.split('.').slice(0, 2), other].join('.');
    const again = await exchange({ subject_token: twin });
    expect([again.status, await reasons(again.correlation)]).toEqual([400, ['replayed']]);
  });

  test('ends with its trust, its service user, and never gives back what ended', async () => {
    const first = await trusted();
    const token = (await exchange({ subject_token: await issuer.token(first.claims) })).body.access_token;
    const path = `/service-users/${first.user.id}/trusts/${first.trust.id}`;
    expect((await rest(ann, 'DELETE', path)).status).toBe(403);
    expect((await rest(admin, 'DELETE', path)).status).toBe(204);
    expect((await rest(token, 'GET', '/me')).status).toBe(401);
    expect((await exchange({ subject_token: await issuer.token(first.claims) })).status).toBe(400);
    const second = await trusted();
    const other = (await exchange({ subject_token: await issuer.token(second.claims) })).body.access_token;
    await rest(admin, 'PATCH', `/users/${second.user.id}`, { disabled: true });
    expect((await rest(other, 'GET', '/me')).status).toBe(401);
    expect((await exchange({ subject_token: await issuer.token(second.claims) })).status).toBe(400);
    await rest(admin, 'PATCH', `/users/${second.user.id}`, { disabled: false });
    expect((await rest(other, 'GET', '/me')).status).toBe(401);
    expect((await exchange({ subject_token: await issuer.token(second.claims) })).status).toBe(200);
  });
});

const seconds = () => Math.floor(Date.now() / 1_000);
const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
type Claims = Record<string, unknown>;

/** Tokens that are no good, each by what makes it so. */
const attacks: [what: string, reason: string, make: (claims: Claims) => Promise<string>][] = [
  [
    'alg none (RFC 8725 2.1)',
    'alg',
    async (claims) => {
      const payload = (await issuer.token(claims)).split('.')[1]!;
      return `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`;
    },
  ],
  [
    'HS256 with the public key as the secret (RFC 8725 2.1, Hono CVE-2026-22818)',
    'alg',
    async (claims) => {
      const { kid, publicKey } = issuer.keys[0]!;
      const payload = (await issuer.token(claims)).split('.')[1]!;
      const signed = `${encode({ alg: 'HS256', kid, typ: 'JWT' })}.${payload}`;
      const secret = publicKey.export({ type: 'spki', format: 'pem' });
      return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
    },
  ],
  [
    'an algorithm that no issuer of jobs uses',
    'alg',
    (claims) => issuer.token(claims, { by: { ...issuer.keys[0]!, alg: 'RS512' } }),
  ],
  [
    'somebody else’s key under the issuer’s key id',
    'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    (claims) => issuer.token(claims, { by: { ...newKey('RS256'), kid: issuer.keys[0]!.kid } }),
  ],
  [
    'a key that the issuer does not have',
    'ERR_JWKS_NO_MATCHING_KEY',
    (claims) => issuer.token(claims, { by: newKey('ES256') }),
  ],
  [
    'a key of its own in the header (CVE-2018-0114)',
    'ERR_JWKS_NO_MATCHING_KEY',
    async (claims) => {
      const by = newKey('ES256');
      return issuer.token(claims, { by, header: { jwk: by.publicKey.export({ format: 'jwk' }) as object } });
    },
  ],
  [
    'an address of keys in the header (RFC 8725 2.9)',
    'ERR_JWKS_NO_MATCHING_KEY',
    (claims) => issuer.token(claims, { by: newKey('RS256'), header: { jku: `${issuer.url}/jwks` } }),
  ],
  [
    'an extension that has to be understood (RFC 7515 4.1.11)',
    'ERR_JOSE_NOT_SUPPORTED',
    (claims) => issuer.token(claims, { header: { crit: ['urn:example:new'], 'urn:example:new': true } }),
  ],
  [
    'another kind of token (RFC 8725 3.11)',
    'ERR_JWT_INVALID',
    (claims) => issuer.token(claims, { header: { typ: 'at+jwt' } }),
  ],
  ['a token that is over', 'exp', (claims) => issuer.token({ ...claims, exp: seconds() - 90, iat: seconds() - 900 })],
  ['no end', 'exp', (claims) => issuer.token({ ...claims, exp: undefined })],
  ['an end that is no number', 'exp', (claims) => issuer.token({ ...claims, exp: '9999999999' })],
  ['a life of more than a day', 'lifetime', (claims) => issuer.token({ ...claims, exp: seconds() + 90_000 })],
  ['no beginning', 'iat', (claims) => issuer.token({ ...claims, iat: undefined })],
  [
    'a beginning in the future',
    'iat',
    (claims) => issuer.token({ ...claims, iat: seconds() + 120, exp: seconds() + 300 }),
  ],
  ['a token of tomorrow', 'nbf', (claims) => issuer.token({ ...claims, nbf: seconds() + 120 })],
  [
    'another issuer’s name',
    'issuer',
    (claims) => issuer.token({ ...claims, iss: 'https://token.actions.githubusercontent.com' }),
  ],
  ['the issuer’s name with a slash', 'issuer', (claims) => issuer.token({ ...claims, iss: `${issuer.url}/` })],
  ['an issuer in a list', 'unreadable', (claims) => issuer.token({ ...claims, iss: [issuer.url] })],
  ['another audience', 'claims', (claims) => issuer.token({ ...claims, aud: 'https://elsewhere.example' })],
  [
    'several audiences',
    'claims',
    (claims) => issuer.token({ ...claims, aud: [AUDIENCE, 'https://elsewhere.example'] }),
  ],
  ['another owner', 'claims', (claims) => issuer.token({ ...claims, repository_owner: 'evil' })],
  ['another branch', 'claims', (claims) => issuer.token({ ...claims, ref: 'refs/pull/1/merge' })],
  [
    'one character changed',
    'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    async (claims) => flip(await issuer.token(claims)),
  ],
  ['no token', 'unreadable', async () => 'a.b.c'],
  ['an encrypted one', 'unreadable', async () => `${encode({ alg: 'dir', enc: 'A256GCM' })}..a.b.c`],
];

function flip(token: string): string {
  const [header, payload, signature] = token.split('.') as [string, string, string];
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
  return `${header}.${encode({ ...claims, nbf: 1 })}.${signature}`;
}

describe('refused is', () => {
  test.each(attacks)('%s', async (_what, reason, make) => {
    const { claims } = await trusted();
    const { status, body, correlation } = await exchange({ subject_token: await make(claims) });
    expect([status, body.error, body.access_token]).toEqual([400, 'invalid_request', undefined]);
    expect(await reasons(correlation)).toEqual([reason]);
    expect(body.error_description).toContain('No trust fits this token.');
    // What was tried uses up nothing of the real one.
    expect((await exchange({ subject_token: await issuer.token(claims) })).status).toBe(200);
  });

  test.each<[string, Record<string, string>, string]>([
    ['no token', { subject_token: '' }, 'invalid_request'],
    ['another type', { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'],
    ['an actor (RFC 8693 2.1)', { actor_token: 'x' }, 'invalid_request'],
    ['another kind of answer', { requested_token_type: ID_TOKEN }, 'invalid_request'],
    ['another target (RFC 8693 2.2.2)', { audience: 'https://elsewhere.example' }, 'invalid_target'],
    ['another resource', { resource: 'https://elsewhere.example' }, 'invalid_target'],
    ['a scope that nobody knows', { scope: 'read root' }, 'invalid_scope'],
    ['a scope that the trust does not give', { scope: 'admin' }, 'invalid_scope'],
    ['another client', { client_id: 'somebody' }, 'invalid_client'],
  ])('a form with %s', async (_what, change, error) => {
    const { claims } = await trusted();
    const { status, body } = await exchange({ subject_token: await issuer.token(claims), ...change });
    expect([status, body.error]).toEqual([error === 'invalid_client' ? 401 : 400, error]);
  });

  test('a trust that names no owner, or an issuer where nobody answers as one', async () => {
    const { user } = await trusted();
    const wish = {
      name: 'new',
      issuer: issuer.url,
      audience: AUDIENCE,
      owner: { claim: 'repository_owner', value: 'a' },
    };
    const path = `/service-users/${user.id}/trusts`;
    const refused = async (change: object) => (await rest(admin, 'POST', path, { ...wish, ...change })).body.code;
    expect(await refused({ owner: { claim: 'actor', value: 'a' } })).toBe('trust-invalid');
    expect(await refused({ owner: { claim: 'repository_owner', value: 'a*' } })).toBe('trust-invalid');
    expect(await refused({ issuer: issuer.url.replace('https', 'http') })).toBe('trust-invalid');
    expect(await refused({ issuer: `${issuer.url}/elsewhere` })).toBe('issuer-unavailable');
    // SSRF: metadata services, and what the operator has not allowed.
    expect(await refused({ issuer: 'https://169.254.169.254' })).toBe('address-refused');
    expect(await refused({ issuer: 'https://10.1.2.3' })).toBe('address-refused');
    expect(await refused({ issuer: 'https://127.0.0.2' })).toBe('address-refused');
    issuer.lies.set('/.well-known/openid-configuration', {
      body: JSON.stringify({ issuer: 'https://token.actions.githubusercontent.com', jwks_uri: `${issuer.url}/jwks` }),
    });
    expect(await refused({})).toBe('issuer-unavailable');
    issuer.lies.set('/.well-known/openid-configuration', {
      body: JSON.stringify({ issuer: issuer.url, jwks_uri: 'https://169.254.169.254/jwks' }),
    });
    expect(await refused({})).toBe('address-refused');
    issuer.lies.set('/.well-known/openid-configuration', {
      status: 302,
      headers: { location: `${issuer.url}/jwks` },
      body: '',
    });
    expect(await refused({})).toBe('issuer-unavailable');
    issuer.lies.clear();
    issuer.lies.set('/jwks', { body: JSON.stringify({ keys: [], fill: 'x'.repeat(300_000) }) });
    expect(await refused({})).toBe('issuer-unavailable');
    issuer.lies.clear();
    // By an authority that nobody here trusts.
    await using stranger = await CiIssuer.start();
    expect(await refused({ issuer: stranger.url })).toBe('issuer-unavailable');
    expect(stranger.asked).toEqual([]);
    expect(await rest(ann, 'POST', path, wish)).toMatchObject({ status: 403 });
    expect(await refused({})).toBeUndefined();
    expect(await refused({})).toBe('trust-exists');
  });

  test('who brings many wrong tokens from one address; another address is not', async () => {
    const { claims } = await trusted();
    const wrong = await issuer.token({ ...claims, aud: 'x' });
    const answers: number[] = [];
    for (let i = 0; i < 61; i++) answers.push((await exchange({ subject_token: wrong }, '203.0.113.9')).status);
    expect(answers.slice(0, 60).every((status) => status === 400)).toBe(true);
    const last = await exchange({ subject_token: await issuer.token(claims) }, '203.0.113.9');
    expect([answers[60], last.status, last.body.error]).toEqual([429, 429, 'temporarily_unavailable']);
    expect((await exchange({ subject_token: await issuer.token(claims) }, '203.0.113.10')).status).toBe(200);
  });
});

test('an issuer’s new key counts at once, and a flood of unknown ones asks it nothing more', async () => {
  const { claims } = await trusted();
  const before = issuer.asked.length;
  for (let i = 0; i < 10; i++)
    expect((await exchange({ subject_token: await issuer.token(claims, { by: newKey('ES256') }) })).status).toBe(400);
  expect(issuer.asked.length - before).toBeLessThanOrEqual(2);
});
