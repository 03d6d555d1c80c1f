/**
 * Signing in through the real pages, the real next-auth and a real OpenID provider, and attacks on each step of it.
 * Long, as all of it is one round trip to one portal with its pages.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBarePortal, type BarePortal } from '../bare-portal.ts';
import { startGithub, type Github } from '../github.ts';
import { until } from '../machine/until.ts';
import { RoundTrip } from '../round-trip.ts';
import { testIdentityProvider } from '../use.ts';
import type { IdentityProvider } from '../idp/idp.ts';

let portal: BarePortal;
let provider: IdentityProvider;
let github: Github;

const settings = () => ({
  SALLYPORT_WEB_URL: '',
  SALLYPORT_OIDC_ISSUER: provider.issuer,
  SALLYPORT_OIDC_CLIENT_ID: provider.clientId,
  SALLYPORT_OIDC_CLIENT_SECRET: provider.clientSecret,
  SALLYPORT_GITHUB_URL: github.url,
  SALLYPORT_GITHUB_API_URL: github.url,
  SALLYPORT_GITHUB_CLIENT_ID: 'app',
  SALLYPORT_GITHUB_CLIENT_SECRET: 'secret of the application',
  SALLYPORT_GITHUB_GROUPS: 'acme/platform=sallyport-admins',
});

async function webAnswers(): Promise<void> {
  await until(async () => (await fetch(`${portal.origin}/sign-in`)).ok, { within: 60_000, what: 'the pages' });
}

beforeAll(async () => {
  provider = await testIdentityProvider();
  github = await startGithub();
  portal = await startBarePortal(settings());
  await webAnswers();
});
afterAll(async () => {
  await portal?.[Symbol.asyncDispose]();
  github?.[Symbol.dispose]();
});

const CALLBACK = /\/api\/auth\/callback\/oidc/;

async function csrf(browser: RoundTrip): Promise<string> {
  return (JSON.parse((await browser.go(`${portal.origin}/api/auth/csrf`)).body) as { csrfToken: string }).csrfToken;
}

/** As the sign-in page does; returns the provider's address. */
async function begin(browser: RoundTrip, callbackUrl = '/clusters', query = '', by = 'oidc'): Promise<URL> {
  const form = { csrfToken: await csrf(browser), callbackUrl, json: 'true' };
  const answer = await browser.go(`${portal.origin}/api/auth/signin/${by}${query}`, form);
  return new URL((JSON.parse(answer.body) as { url: string }).url);
}

/** Signs in at the provider; returns the callback's address, unvisited. */
async function atProvider(browser: RoundTrip, url: URL, who = 0): Promise<string> {
  const asked = await browser.go(url.href);
  const form = asked.location!;
  const action = /action="([^"]+)"/.exec((await browser.go(form)).body)![1]!;
  const { email, password } = provider.people[who]!;
  const answer = await browser.go(new URL(action, form).href, { email, password });
  return (await browser.follow(answer, CALLBACK)).next!;
}

async function me(browser: RoundTrip): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await browser.go(`${portal.origin}/api/v1/me`);
  return { status: answer.status, body: JSON.parse(answer.body) as Record<string, unknown> };
}

const lastAudit = async () =>
  (
    await portal.sql`select code, actor, detail from audit_events where code like 'sign-in.%' order by id desc limit 1`
  )[0];

test('by the provider: PKCE, state and nonce go out; who comes back is who the provider says', async () => {
  const browser = new RoundTrip();
  const url = await begin(browser);
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    response_type: 'code',
    code_challenge_method: 'S256',
    redirect_uri: `${portal.origin}/api/auth/callback/oidc`,
    state: expect.stringMatching(/.{20,}/),
    nonce: expect.stringMatching(/.{20,}/),
  });
  const answer = await browser.go(await atProvider(browser, url));
  expect(answer.location).toBe(`${portal.origin}/clusters`);
  const [ours] = answer.headers.getSetCookie().filter((line) => line.startsWith('__Host-sallyport_'));
  expect(ours).toMatch(
    /^__Host-sallyport_[0-9a-f]{8}=[A-Za-z0-9_-]{43}; Path=\/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax$/,
  );
  expect((await me(browser)).body).toMatchObject({
    email: 'admin@example.com',
    portal: 'admin',
    signOutUrl: expect.stringContaining(provider.issuer),
  });
  await expect.poll(lastAudit).toMatchObject({ code: 'sign-in.succeeded', actor: 'admin@example.com' });
});

test('by GitHub: PKCE and state go out; a member of a team that is named has its group, nobody else gets in', async () => {
  const browser = new RoundTrip();
  const url = await begin(browser, '/clusters', '', 'github');
  expect(url.href.startsWith(`${github.url}/login/oauth/authorize?`)).toBe(true);
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    client_id: 'app',
    code_challenge_method: 'S256',
    redirect_uri: `${portal.origin}/api/auth/callback/github`,
    scope: expect.stringContaining('read:org'),
    state: expect.stringMatching(/.{20,}/),
  });
  const callback = (await browser.go(url.href)).location!;
  const forged = new URL(callback);
  forged.searchParams.set('state', 'x'.repeat(43));
  const thief = new RoundTrip();
  thief.cookies.set('localhost', new Map(browser.cookies.get('localhost')));
  expect((await thief.go(forged.href)).location).toContain('/sign-in?error=sign-in-expired');

  expect((await browser.go(callback)).location).toBe(`${portal.origin}/clusters`);
  const verifier = github.exchanged.get('code_verifier')!;
  expect(createHash('sha256').update(verifier).digest('base64url')).toBe(url.searchParams.get('code_challenge'));
  expect(await me(browser)).toMatchObject({ status: 200, body: { email: 'ada@example.org', portal: 'admin' } });
  // The portal keeps no token of anybody's.
  expect(github.calls.at(-1)).toBe('DELETE /applications/app/token');

  github.answers['GET /user/teams'] = { status: 200, body: [] };
  const stranger = new RoundTrip();
  const refused = await stranger.go((await stranger.go((await begin(stranger, '/', '', 'github')).href)).location!);
  expect(refused.location).toContain('/sign-in?error=not-a-member');
  expect((await me(stranger)).status).toBe(401);
});

test('next-auth’s own cookies authorise nothing', async () => {
  const browser = new RoundTrip();
  await browser.go(await atProvider(browser, await begin(browser)));
  const jar = browser.cookies.get('localhost')!;
  for (const name of jar.keys()) if (name.startsWith('__Host-sallyport_')) jar.delete(name);
  expect([...jar.keys()].some((name) => name.endsWith('.session'))).toBe(true);
  expect((await me(browser)).status).toBe(401);
});

test('an answer counts once, in the browser that asked for it', async () => {
  const browser = new RoundTrip();
  const callback = await atProvider(browser, await begin(browser));
  const thief = await new RoundTrip().go(callback);
  expect(thief.location).toBe(`${portal.origin}/sign-in?error=sign-in-expired&return=%2F`);
  expect(thief.headers.getSetCookie().join()).not.toContain('__Host-sallyport_');
  const kept = new Map(browser.cookies.get('localhost'));
  expect((await browser.go(callback)).location).toBe(`${portal.origin}/clusters`);
  // With the very cookies of the first time: the code is spent.
  browser.cookies.set('localhost', kept);
  expect((await browser.go(callback)).location).toMatch(/\/sign-in\?error=code-refused/);
  await expect.poll(lastAudit).toMatchObject({ code: 'sign-in.failed', detail: { reason: 'code-refused' } });
});

test.each([
  ['another state', (url: URL) => url.searchParams.set('state', 'x'.repeat(43)), 'sign-in-expired'],
  ['no state', (url: URL) => url.searchParams.delete('state'), 'sign-in-expired'],
  ['another issuer', (url: URL) => url.searchParams.set('iss', 'https://evil.example'), 'sign-in-expired'],
  ['another code', (url: URL) => url.searchParams.set('code', 'x'.repeat(43)), 'code-refused'],
])('a callback with %s is refused', async (_what, tamper, error) => {
  const browser = new RoundTrip();
  const callback = new URL(await atProvider(browser, await begin(browser)));
  tamper(callback);
  const answer = await browser.go(callback.href);
  expect(answer.location).toContain(`/sign-in?error=${error}`);
  expect((await me(browser)).status).toBe(401);
});

test('a provider that refuses is said, with nothing of what it wrote', async () => {
  const browser = new RoundTrip();
  await begin(browser);
  const evil = new URLSearchParams({ error: 'access_denied', error_description: '<script>alert(1)</script>' });
  const answer = await browser.go(`${portal.origin}/api/auth/callback/oidc?${evil}`);
  expect(answer.location).toBe(`${portal.origin}/sign-in?error=sign-in-cancelled&return=%2Fclusters`);
});

test.each([
  'https://evil.example/',
  '//evil.example',
  '/\\evil.example',
  'javascript:alert(1)',
  '%',
  '/api/v1/sign-out',
])('a sign-in asked to lead to %s leads home', async (wish) => {
  const browser = new RoundTrip();
  const answer = await browser.go(await atProvider(browser, await begin(browser, wish)));
  expect(answer.location).toBe(`${portal.origin}/`);
});

test('a query of the sign-in address does not reach the provider', async () => {
  const evil = '?redirect_uri=https%3A%2F%2Fevil.example&scope=everything&prompt=none&callbackUrl=%E0%A4%A';
  const url = await begin(new RoundTrip(), '/', evil);
  expect(url.searchParams.get('redirect_uri')).toBe(`${portal.origin}/api/auth/callback/oidc`);
  expect(url.searchParams.get('scope')).toBe('openid email profile');
  expect(url.searchParams.has('prompt')).toBe(false);
});

test('a cookie that was there before is not the one that signs in (session fixation)', async () => {
  const browser = new RoundTrip();
  await csrf(browser);
  const planted = 'A'.repeat(43);
  const [setting] = await portal.sql<{ value: string }[]>`select value from settings where key = 'portal-id'`;
  const name = `__Host-sallyport_${setting!.value.slice(0, 8)}`;
  browser.cookies.get('localhost')!.set(name, planted);
  await browser.go(await atProvider(browser, await begin(browser)));
  const cookie = browser.cookie(portal.origin, '__Host-sallyport_')!;
  expect(cookie).not.toBe(planted);
  expect((await me(browser)).status).toBe(200);
  const thief = await fetch(`${portal.origin}/api/v1/me`, { headers: { cookie: `${name}=${planted}` } });
  expect(thief.status).toBe(401);
  // Each sign-in is one of its own; the provider knows the person by now.
  const { next } = await browser.follow(await browser.go((await begin(browser)).href), CALLBACK);
  await browser.go(next!);
  expect(browser.cookie(portal.origin, '__Host-sallyport_')).not.toBe(cookie);
});

test('malformed cookies are no error of the portal’s', async () => {
  const browser = new RoundTrip();
  await csrf(browser);
  const jar = browser.cookies.get('localhost')!;
  for (const name of jar.keys()) jar.set(name, '%E0%A4%A not a url');
  const url = await begin(browser);
  expect((await browser.go(await atProvider(browser, url))).location).toBe(`${portal.origin}/clusters`);
});

test('nothing else of next-auth is offered', async () => {
  for (const path of [
    'session',
    'providers',
    'signout',
    'verify-request',
    'signin',
    'error',
    '_log',
    'callback/credentials',
  ])
    expect((await new RoundTrip().go(`${portal.origin}/api/auth/${path}`)).status).toBe(404);
});

async function local(browser: RoundTrip, email: string, password: string, csrfToken?: string) {
  const form = {
    csrfToken: csrfToken ?? (await csrf(browser)),
    email,
    password,
    callbackUrl: '/sessions',
    json: 'true',
  };
  const answer = await browser.go(`${portal.origin}/api/auth/callback/credentials`, form);
  return { status: answer.status, body: JSON.parse(answer.body) as { url: string; code?: string; title?: string } };
}

test('by password: the right one, then too many wrong ones; a request from elsewhere never', async () => {
  const admin = await portal.person('local-admin', ['sallyport-admins']);
  const { token } = await portal.token(admin.id, ['admin']);
  const email = 'Grace@example.com';
  const password = 'a long and good one';
  await fetch(`${portal.origin}/api/v1/users`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ email, name: 'Grace', password, groups: [] }),
  });
  const browser = new RoundTrip();
  expect((await local(browser, email, password)).body.url).toBe(`${portal.origin}/sessions`);
  expect((await me(browser)).body).toMatchObject({ email: 'grace@example.com', signOutUrl: null });

  const forged = await local(new RoundTrip(), email, password, 'forged');
  expect(forged.body.url ?? '').not.toBe(`${portal.origin}/sessions`);

  // Who there is, and who is disabled, is told to nobody who does not know the password.
  const made = (await portal.sql<{ id: string }[]>`select id from users where email = ${email.toLowerCase()}`)[0]!;
  const disabled = (value: boolean) =>
    fetch(`${portal.origin}/api/v1/users/${made.id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ disabled: value }),
    });
  const answers: unknown[] = [];
  const ask = async (who: string) => {
    const { status, body } = await local(new RoundTrip(), who, 'wrong password');
    answers.push({ ...body, status, correlationId: undefined });
  };
  await ask('nobody@example.com');
  await ask(email);
  await disabled(true);
  await ask(email);
  await disabled(false);
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size, JSON.stringify(answers)).toBe(1);
  expect(answers[0]).toMatchObject({ status: 401, code: 'wrong-password' });
  // What no database holds is on record as far as it can be, and keeps nothing behind it from the audit log.
  expect(await local(new RoundTrip(), 'nobody\0@example.com', 'x')).toMatchObject({ status: 400 });
  await expect.poll(lastAudit).toMatchObject({ code: 'sign-in.failed', actor: 'nobody\ufffd@example.com' });

  // Who gets in starts anew.
  expect((await local(new RoundTrip(), email, password)).status).toBe(200);
  const guesser = new RoundTrip();
  for (let i = 0; i < 5; i++)
    expect(await local(guesser, email, `guess number ${i}`)).toMatchObject({
      status: 401,
      body: { code: 'wrong-password' },
    });
  expect(await local(guesser, email, password)).toMatchObject({ status: 429, body: { code: 'sign-in-limited' } });
  expect((await me(guesser)).status).toBe(401);
  expect(portal.log()).not.toContain(password);
});

test('web is started with nothing that is the portal’s: no database, no engine, no secret of a provider', () => {
  const [web] = execFileSync('pgrep', ['-P', String(portal.pid)], { encoding: 'utf8' })
    .trim()
    .split('\n');
  const environment = readFileSync(`/proc/${web}/environ`, 'utf8').split('\0').filter(Boolean);
  expect(environment.map((line) => line.split('=')[0]).toSorted()).toEqual([
    'HOME',
    'NEXTAUTH_SECRET',
    'NEXTAUTH_URL',
    'NEXT_TELEMETRY_DISABLED',
    'NODE_ENV',
    'PATH',
    'SALLYPORT_INTERNAL_URL',
  ]);
  const text = `${environment.join('\n')}\n${readFileSync(`/proc/${web}/cmdline`, 'utf8')}`;
  expect(text).not.toContain(provider.clientSecret);
  expect(text).not.toContain('secret of the application');
  expect(text).not.toMatch(/postgres|docker|\/keys/);
});

test('killed pages come back by themselves; the portal serves on meanwhile', async () => {
  const pids = () =>
    execFileSync('pgrep', ['-P', String(portal.pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  const before = pids();
  expect(before).toHaveLength(1);
  process.kill(before[0]!, 'SIGKILL');
  await until(async () => (await fetch(`${portal.origin}/sign-in`)).status === 503, {
    within: 5_000,
    every: 10,
    what: 'the plain page',
  });
  expect((await fetch(`${portal.origin}/healthz`)).ok).toBe(true);
  await webAnswers();
  expect(pids()).not.toEqual(before);
  const browser = new RoundTrip();
  expect((await browser.go(await atProvider(browser, await begin(browser), 1))).location).toBe(
    `${portal.origin}/clusters`,
  );
});
