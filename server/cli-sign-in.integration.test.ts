/** The portal as an authorization server for its command line: what the RFCs ask, and what attackers try. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBarePortal, type BarePortal } from '../e2e/bare-portal.ts';

type Visitor = { id: string; email: string; cookie: string; webSession: string };
type Token = { access_token: string; token_type: string; expires_in: number; scope: string };
type Refusal = { error: string; error_description: string };

let portal: BarePortal;
let ann: Visitor;
let bob: Visitor;

async function join(name: string): Promise<Visitor> {
  const person = await portal.person(name, ['sallyport-developers']);
  return { ...person, ...(await portal.signIn(person.id)) };
}

beforeAll(async () => {
  portal = await startBarePortal();
  ann = await join('ann');
  bob = await join('bob');
});
afterAll(() => portal?.[Symbol.asyncDispose]());

type Body = { redirect: string; askedAt: string; items: { name: string; scopes: string[] }[] };

/** REST as the pages do it. */
async function rest(as: Visitor | string | null, method: string, path: string, body?: object, origin = portal.origin) {
  const headers: Record<string, string> = body ? { 'content-type': 'application/json' } : {};
  if (typeof as === 'string') headers['authorization'] = `Bearer ${as}`;
  else if (as) headers['cookie'] = as.cookie;
  if (method !== 'GET') headers['origin'] = origin;
  const answer = await fetch(`${portal.origin}/api/v1${path}`, {
    method,
    headers,
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await answer.text();
  return { status: answer.status, body: (text ? JSON.parse(text) : {}) as Body };
}

/** What a program sends; without its own client_id where the form has one. */
async function oauth<T = Token & Refusal>(
  path: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
) {
  const answer = await fetch(`${portal.origin}/oauth/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams({ client_id: 'sallyport-cli', ...form }).toString(),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: (text ? JSON.parse(text) : {}) as T };
}

function pkce() {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

const REDIRECT = 'http://127.0.0.1:54321/callback';
const asked = (challenge: string, changed: Record<string, string | undefined> = {}) => ({
  response_type: 'code',
  client_id: 'sallyport-cli',
  redirect_uri: REDIRECT,
  code_challenge: challenge,
  code_challenge_method: 'S256',
  state: 'a-state',
  device_name: 'ann-laptop',
  ...changed,
});
const queryOf = (query: Record<string, string | undefined>) =>
  new URLSearchParams(Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined));

async function approved(who: Visitor, challenge: string, changed: Record<string, string> = {}): Promise<URL> {
  const body = { query: asked(challenge, changed), decision: 'approve' };
  const answer = await rest(who, 'POST', '/cli/authorization', body);
  expect(answer.status).toBe(200);
  return new URL(answer.body.redirect);
}
async function codeFor(who: Visitor, challenge: string): Promise<string> {
  return (await approved(who, challenge)).searchParams.get('code')!;
}
const redeem = (code: string, verifier: string, changed: Record<string, string> = {}) =>
  oauth('token', {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: REDIRECT,
    ...changed,
  });

type DeviceAnswer = {
  device_code: string;
  user_code: string;
  verification_uri: string;
  expires_in: number;
  interval: number;
};
async function device(name = 'build-box'): Promise<DeviceAnswer> {
  const { status, body } = await oauth<DeviceAnswer>('device_authorization', { device_name: name });
  expect(status).toBe(200);
  return body;
}
const poll = (device_code: string) =>
  oauth('token', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code });

async function audited(code: string, device: string): Promise<{ actor: string; detail: Record<string, string> }[]> {
  return portal.sql`
    select actor, detail from audit_events where code = ${code} and detail->>'device' = ${device} order by at`;
}

test('RFC 8414: the metadata names issuer and endpoints, PKCE with S256 alone, and no client secret', async () => {
  const answer = await fetch(`${portal.origin}/.well-known/oauth-authorization-server`);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  expect(await answer.json()).toMatchObject({
    issuer: portal.origin,
    authorization_endpoint: `${portal.origin}/authorize`,
    token_endpoint: `${portal.origin}/oauth/token`,
    device_authorization_endpoint: `${portal.origin}/oauth/device_authorization`,
    revocation_endpoint: `${portal.origin}/oauth/revoke`,
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
  });
});

describe('by the browser', () => {
  test('a code becomes an API token of its person for twelve hours, listed by its device’s name, on record', async () => {
    const { verifier, challenge } = pkce();
    const shown = await rest(ann, 'GET', `/cli/authorization?${queryOf(asked(challenge))}`);
    expect(shown.body).toEqual({
      request: {
        client: 'Sallyport command line',
        device: 'ann-laptop',
        scopes: ['read', 'sessions'],
        hours: 12,
        address: null,
        askedAt: null,
      },
      redirect: null,
    });
    const back = await approved(ann, challenge);
    expect(back.origin + back.pathname).toBe(REDIRECT);
    expect(Object.fromEntries(back.searchParams)).toEqual({
      code: expect.stringMatching(/^[\w-]{43}$/),
      state: 'a-state',
      iss: portal.origin,
    });
    const code = back.searchParams.get('code')!;
    const { status, headers, body } = await redeem(code, verifier);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({ token_type: 'Bearer', scope: 'read sessions' });
    expect(body.expires_in).toBeGreaterThan(43_100);
    expect(body.expires_in).toBeLessThanOrEqual(43_200);
    expect((await rest(body.access_token, 'GET', '/me')).body).toMatchObject({ email: ann.email, proof: 'api-token' });
    const { items } = (await rest(ann, 'GET', '/me/tokens')).body;
    expect(items[0]).toMatchObject({ name: 'CLI on ann-laptop', scopes: ['read', 'sessions'] });
    await expect.poll(() => audited('cli.signed-in', 'ann-laptop')).toMatchObject([{ actor: ann.email }]);
    expect(await audited('cli.approved', 'ann-laptop')).toMatchObject([
      { actor: ann.email, detail: { way: 'browser' } },
    ]);
    const stored = JSON.stringify(await portal.sql`select cli_sign_ins::text from cli_sign_ins`);
    expect(stored).not.toContain(code);
    expect(stored).not.toContain(Buffer.from(code).toString('hex'));
  });

  test('a code works once; the second time takes back what the first got (RFC 6749 4.1.2)', async () => {
    const { verifier, challenge } = pkce();
    const code = (await approved(ann, challenge, { device_name: 'replayed' })).searchParams.get('code')!;
    const first = await redeem(code, verifier);
    expect(first.status).toBe(200);
    expect(await redeem(code, verifier)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await rest(first.body.access_token, 'GET', '/me')).status).toBe(401);
    await expect.poll(() => audited('cli.replayed', 'replayed')).toHaveLength(1);
  });

  test('of many who bring one code at once none keeps a token', async () => {
    const { verifier, challenge } = pkce();
    for (const count of [2, 2, 2, 2, 2, 8]) {
      const code = await codeFor(ann, challenge);
      const answers = await Promise.all(Array.from({ length: count }, () => redeem(code, verifier)));
      const good = answers.filter(({ status }) => status === 200);
      expect(good.length).toBeLessThanOrEqual(1);
      for (const { body } of good)
        await expect.poll(async () => (await rest(body.access_token, 'GET', '/me')).status).toBe(401);
    }
  });

  test.each([
    ['another verifier', { code_verifier: 'x'.repeat(43) }, 'invalid_grant'],
    ['the challenge as its verifier (plain)', { code_verifier: 'the challenge' }, 'invalid_grant'],
    ['no verifier', { code_verifier: '' }, 'invalid_request'],
    ['a verifier that is too short', { code_verifier: 'x' }, 'invalid_request'],
    ['another port', { redirect_uri: 'http://127.0.0.1:54322/callback' }, 'invalid_grant'],
    ['no address', { redirect_uri: '' }, 'invalid_request'],
    ['another client', { client_id: 'somebody' }, 'invalid_client'],
    ['another grant', { grant_type: 'password' }, 'unsupported_grant_type'],
    ['a device’s grant', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code' }, 'invalid_request'],
  ])('a code with %s opens nothing', async (_name, changed, error) => {
    const { verifier, challenge } = pkce();
    const code = await codeFor(ann, challenge);
    const filled =
      'code_verifier' in changed && changed.code_verifier === 'the challenge' ? { code_verifier: challenge } : changed;
    const { status, body } = await redeem(code, verifier, filled as Record<string, string>);
    expect([status, body.error]).toEqual([error === 'invalid_client' ? 401 : 400, error]);
    // Who had the code and not the verifier has used it up.
    if (error === 'invalid_grant') expect((await redeem(code, verifier)).body.error).toBe('invalid_grant');
  });

  test('a code is over after a minute, and with the sign-in or the account that allowed it', async () => {
    const { verifier, challenge } = pkce();
    const late = await codeFor(ann, challenge);
    const [row] = await portal.sql<{ s: number }[]>`
      select extract(epoch from expires_at - created_at)::int as s from cli_sign_ins order by created_at desc limit 1`;
    expect(row!.s).toBe(60);
    await portal.sql`update cli_sign_ins set expires_at = now() where state = 'approved'`;
    expect((await redeem(late, verifier)).body.error).toBe('invalid_grant');
    const again = { ...ann, ...(await portal.signIn(ann.id)) };
    const code = await codeFor(again, challenge);
    await rest(again, 'POST', '/sign-out');
    expect((await redeem(code, verifier)).body.error).toBe('invalid_grant');
    const gone = await join('gone');
    const theirs = await codeFor(gone, challenge);
    await portal.sql`update users set disabled_at = now() where id = ${gone.id}`;
    expect((await redeem(theirs, verifier)).body.error).toBe('invalid_grant');
  });

  test.each([
    ['another host', { redirect_uri: 'http://evil.example:54321/callback' }],
    ['another path', { redirect_uri: 'http://127.0.0.1:54321/' }],
    ['a name for loopback', { redirect_uri: 'http://localhost:54321/callback' }],
    ['an address that only begins like it', { redirect_uri: 'http://127.0.0.1:54321@evil.example/callback' }],
    ['no address', { redirect_uri: undefined }],
    ['another client', { client_id: 'somebody' }],
  ])('a request with %s is told to its reader and goes nowhere', async (_name, changed) => {
    const query = asked(pkce().challenge, changed);
    const refused = { status: 400, body: { code: 'cli-request-invalid' } };
    expect(await rest(ann, 'GET', `/cli/authorization?${queryOf(query)}`)).toMatchObject(refused);
    expect(await rest(ann, 'POST', '/cli/authorization', { query, decision: 'approve' })).toMatchObject(refused);
  });

  test.each([
    ['plain PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['no method', { code_challenge_method: undefined }, 'invalid_request'],
    ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['a token in the address (implicit)', { response_type: 'token' }, 'unsupported_response_type'],
    ['the scope admin', { scope: 'read admin' }, 'invalid_scope'],
    ['a name of two lines', { device_name: 'a\nb' }, 'invalid_request'],
  ])('a request with %s is refused to the program, whatever its person says', async (_name, changed, error) => {
    const query = asked(pkce().challenge, changed);
    const read = (await rest(ann, 'GET', `/cli/authorization?${queryOf(query)}`)).body;
    const decided = (await rest(ann, 'POST', '/cli/authorization', { query, decision: 'approve' })).body;
    for (const { redirect } of [read, decided]) {
      const { origin, searchParams } = new URL(redirect);
      expect(origin).toBe('http://127.0.0.1:54321');
      expect(searchParams.get('error')).toBe(error);
      expect(searchParams.get('state')).toBe('a-state');
      expect(searchParams.has('code')).toBe(false);
    }
  });

  test('only a person’s own page allows it: no GET, no other site, no token, nobody', async () => {
    const { challenge } = pkce();
    const body = { query: asked(challenge, { device_name: 'forged' }), decision: 'approve' };
    const asGet = `/cli/authorization?${queryOf({ ...body.query, decision: 'approve' })}`;
    expect((await rest(ann, 'GET', asGet)).body).toMatchObject({ redirect: null });
    const forged = await rest(ann, 'POST', '/cli/authorization', body, 'https://evil.example');
    expect(forged).toMatchObject({ status: 403, body: { code: 'cross-origin' } });
    const { token } = await portal.token(ann.id, ['read', 'sessions', 'admin']);
    expect(await rest(token, 'POST', '/cli/authorization', body)).toMatchObject({ body: { code: 'needs-sign-in' } });
    expect((await rest(null, 'POST', '/cli/authorization', body)).status).toBe(401);
    // Written in order: with the next one in the log, there was none before it.
    await approved(ann, challenge, { device_name: 'genuine' });
    await expect.poll(() => audited('cli.approved', 'genuine')).toHaveLength(1);
    expect(await audited('cli.approved', 'forged')).toEqual([]);
  });

  test('a no goes back to the program and on record', async () => {
    const query = asked(pkce().challenge, { device_name: 'unwanted' });
    const { body } = await rest(ann, 'POST', '/cli/authorization', { query, decision: 'deny' });
    expect(new URL(body.redirect).searchParams.get('error')).toBe('access_denied');
    await expect.poll(() => audited('cli.denied', 'unwanted')).toMatchObject([{ actor: ann.email }]);
  });
});

describe('by a device', () => {
  test('pending, then too fast, then allowed, then a token, once (RFC 8628 3.5)', async () => {
    const { device_code, user_code, verification_uri, expires_in, interval } = await device();
    expect({ verification_uri, expires_in, interval }).toEqual({
      verification_uri: `${portal.origin}/device`,
      expires_in: 600,
      interval: 5,
    });
    expect(user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
    expect(await poll(device_code)).toMatchObject({ status: 400, body: { error: 'authorization_pending' } });
    expect(await poll(device_code)).toMatchObject({ status: 400, body: { error: 'slow_down' } });
    const { body: seen } = await rest(ann, 'POST', '/cli/device/look-up', { userCode: user_code.toLowerCase() });
    expect(seen).toMatchObject({ client: 'Sallyport command line', device: 'build-box', address: '127.0.0.1' });
    expect(Math.abs(Date.parse(seen.askedAt) - Date.now())).toBeLessThan(60_000);
    expect((await poll(device_code)).body.error).toBe('slow_down');
    const decision = { userCode: user_code, decision: 'approve' };
    expect((await rest(ann, 'POST', '/cli/device', decision)).status).toBe(204);
    // Whoever types it after that decides on nothing.
    expect((await rest(bob, 'POST', '/cli/device', decision)).status).toBe(404);
    const { status, body } = await poll(device_code);
    expect(status).toBe(200);
    expect((await rest(body.access_token, 'GET', '/me')).body).toMatchObject({ email: ann.email });
    expect((await poll(device_code)).body.error).toBe('invalid_grant');
    expect((await rest(body.access_token, 'GET', '/me')).status).toBe(401);
    await expect
      .poll(() => audited('cli.approved', 'build-box'))
      .toMatchObject([{ detail: { way: 'device', deviceAddress: '127.0.0.1' } }]);
  });

  test('a no is access_denied, and on record; a late one expired_token', async () => {
    const first = await device('denied-box');
    expect((await rest(ann, 'POST', '/cli/device', { userCode: first.user_code, decision: 'deny' })).status).toBe(204);
    expect((await poll(first.device_code)).body.error).toBe('access_denied');
    await expect.poll(() => audited('cli.denied', 'denied-box')).toMatchObject([{ actor: ann.email }]);
    const second = await device('late-box');
    await portal.sql`update cli_sign_ins set expires_at = now() where device_name = 'late-box'`;
    expect((await poll(second.device_code)).body.error).toBe('expired_token');
    const late = await rest(ann, 'POST', '/cli/device', { userCode: second.user_code, decision: 'approve' });
    expect(late).toMatchObject({ status: 404, body: { code: 'device-code-unknown' } });
  });

  test('neither a code of the browser’s way nor an invented one is a device’s', async () => {
    const code = await codeFor(ann, pkce().challenge);
    for (const wrong of [code, 'x'.repeat(43), 'x', (await device()).user_code])
      expect((await poll(wrong)).body.error).toBe('invalid_grant');
    const { device_code } = await device();
    expect((await redeem(device_code, 'x'.repeat(43))).body.error).toBe('invalid_grant');
  });

  test('nothing is allowed by GET, by another site, by a token, by nobody', async () => {
    const { user_code, device_code } = await device();
    const decision = { userCode: user_code, decision: 'approve' };
    expect((await rest(ann, 'GET', `/cli/device?userCode=${user_code}&decision=approve`)).status).toBe(404);
    expect((await rest(ann, 'POST', '/cli/device', decision, 'https://evil.example')).status).toBe(403);
    const { token } = await portal.token(ann.id, ['read', 'sessions', 'admin']);
    expect((await rest(token, 'POST', '/cli/device', decision)).body).toMatchObject({ code: 'needs-sign-in' });
    expect((await rest(token, 'POST', '/cli/device/look-up', decision)).status).toBe(403);
    expect((await rest(null, 'POST', '/cli/device', decision)).status).toBe(401);
    expect((await poll(device_code)).body.error).toBe('authorization_pending');
  });
});

describe('bounds', () => {
  test('who guesses user codes is stopped after ten, and the right one does not help any more', async () => {
    const eve = await join('eve');
    const { user_code } = await device();
    for (let guess = 0; guess < 10; guess++) {
      const wrong = { userCode: 'BBBB-BBB' + 'BCDFGHJKLM'[guess]!, decision: 'approve' };
      expect((await rest(eve, 'POST', guess % 2 ? '/cli/device' : '/cli/device/look-up', wrong)).status).toBe(404);
    }
    const answer = await rest(eve, 'POST', '/cli/device/look-up', { userCode: user_code });
    expect(answer).toMatchObject({ status: 429, body: { code: 'cli-sign-in-limited' } });
    // Somebody else at another desk is not stopped by it.
    expect((await rest(bob, 'POST', '/cli/device/look-up', { userCode: user_code })).status).toBe(200);
  });

  test('forms: what is no form, too long, twice there or of unknown length is refused in the words of the RFC', async () => {
    const send = (body: string, type = 'application/x-www-form-urlencoded') =>
      fetch(`${portal.origin}/oauth/token`, { method: 'POST', headers: { 'content-type': type }, body });
    const refused = async (answer: Response) => [answer.status, ((await answer.json()) as Refusal).error];
    expect(await refused(await send('{}', 'application/json'))).toEqual([400, 'invalid_request']);
    expect(await refused(await send(`code=${'x'.repeat(9_000)}`))).toEqual([413, 'invalid_request']);
    expect(await refused(await send('client_id=sallyport-cli&client_id=other'))).toEqual([400, 'invalid_request']);
    expect(await refused(await send('grant_type=password'))).toEqual([401, 'invalid_client']);
    const chunked = await fetch(`${portal.origin}/oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new Blob(['client_id=sallyport-cli']).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(await refused(chunked)).toEqual([413, 'invalid_request']);
    expect((await fetch(`${portal.origin}/oauth/token`)).status).toBe(404);
  });

  test('a cookie or a token opens nothing at the endpoints of programs', async () => {
    const { token } = await portal.token(ann.id, ['read', 'sessions', 'admin']);
    const headers = { cookie: ann.cookie, authorization: `Bearer ${token}` };
    const { status } = await oauth('token', { grant_type: 'authorization_code', code: 'x' }, headers);
    expect(status).toBe(400);
  });
});

test('who allows one after the other is stopped after thirty', async () => {
  const carl = await join('carl');
  const body = { query: asked(pkce().challenge), decision: 'approve' };
  for (let count = 0; count < 30; count++)
    expect((await rest(carl, 'POST', '/cli/authorization', body)).status).toBe(200);
  const answer = await rest(carl, 'POST', '/cli/authorization', body);
  expect(answer).toMatchObject({ status: 429, body: { code: 'cli-sign-in-limited' } });
});

describe('revocation (RFC 7009)', () => {
  test('signing out revokes the token at once, and what is none is revoked already', async () => {
    const { verifier, challenge } = pkce();
    const code = (await approved(ann, challenge, { device_name: 'leaving' })).searchParams.get('code')!;
    const { access_token } = (await redeem(code, verifier)).body;
    expect((await rest(access_token, 'GET', '/me')).status).toBe(200);
    expect((await oauth('revoke', { token: access_token })).status).toBe(200);
    expect((await rest(access_token, 'GET', '/me')).status).toBe(401);
    expect((await oauth('revoke', { token: access_token })).status).toBe(200);
    expect((await oauth('revoke', { token: 'nonsense', token_type_hint: 'refresh_token' })).status).toBe(200);
    expect((await oauth('revoke', {})).body.error).toBe('invalid_request');
    await expect.poll(() => audited('cli.signed-out', 'leaving')).toMatchObject([{ actor: ann.email }]);
  });

  test('a token that was not given to the command line is not its to revoke', async () => {
    const { token } = await portal.token(ann.id, ['read']);
    expect((await oauth('revoke', { token })).body.error).toBe('invalid_grant');
    expect((await rest(token, 'GET', '/me')).status).toBe(200);
  });
});

test('who begins device sign-ins without end is stopped, and nobody’s browser is', async () => {
  const answers = [];
  for (let count = 0; count < 31; count++) answers.push(await oauth('device_authorization', { device_name: 'flood' }));
  expect(answers.at(-1)).toMatchObject({ status: 429, body: { error: 'temporarily_unavailable' } });
  expect(Number(answers.at(-1)!.headers.get('retry-after'))).toBeGreaterThan(0);
  const { verifier, challenge } = pkce();
  expect((await redeem(await codeFor(ann, challenge), verifier)).status).toBe(200);
});
