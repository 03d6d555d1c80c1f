import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash, randomBytes } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startIdentityProvider, stopIdentityProvider } from './idp.ts';
import type { IdentityProvider } from './idp.ts';

let folder: string;
let provider: IdentityProvider;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-idp-'));
  provider = await startIdentityProvider(folder);
});

afterAll(() => stopIdentityProvider(folder, { remove: true }));

const REDIRECT = 'http://localhost:5/api/auth/callback/oidc';

/** A browser's part: keeps cookies, follows redirects on the provider's own origin. */
function browser(): (url: string, form?: Record<string, string>) => Promise<Response> {
  const cookies = new Map<string, string>();
  return async (start, form) => {
    let url = start;
    let body = form && new URLSearchParams(form);
    for (;;) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await fetch(url, {
        redirect: 'manual',
        headers: { cookie },
        ...(body ? { method: 'POST', body } : {}),
      });
      body = undefined;
      for (const line of answer.headers.getSetCookie()) {
        const [pair = ''] = line.split(';');
        const at = pair.indexOf('=');
        cookies.set(pair.slice(0, at), pair.slice(at + 1));
      }
      const location = answer.headers.get('location');
      if (!location) return answer;
      url = new URL(location, url).href;
      if (!url.startsWith(provider.issuer)) return answer;
    }
  };
}

function authorize(verifier: string | undefined): string {
  const url = new URL('/auth', provider.issuer);
  url.search = new URLSearchParams({
    client_id: provider.clientId,
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: 'openid email profile',
    state: 'state',
    nonce: 'nonce',
    ...(verifier && {
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }),
  }).toString();
  return url.href;
}

async function signIn(email: string, password: string, verifier: string): Promise<Response> {
  const open = browser();
  const page = await open(authorize(verifier));
  const action = /action="([^"]+)"/.exec(await page.text())?.[1] ?? '';
  return open(new URL(action, provider.issuer).href, { email, password });
}

test('signs each person in, with their groups in the id token', async () => {
  for (const person of provider.people) {
    const verifier = randomBytes(32).toString('base64url');
    const answer = await signIn(person.email, person.password, verifier);
    const location = new URL(answer.headers.get('location') ?? '');
    expect(location.origin + location.pathname).toBe(REDIRECT);
    const token = await fetch(new URL('/token', provider.issuer), {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${provider.clientId}:${provider.clientSecret}`)}` },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: location.searchParams.get('code') ?? '',
        redirect_uri: REDIRECT,
        code_verifier: verifier,
      }),
    });
    const { id_token } = (await token.json()) as { id_token: string };
    const keys = createRemoteJWKSet(new URL('/jwks', provider.issuer));
    const { payload } = await jwtVerify(id_token, keys, { issuer: provider.issuer, audience: provider.clientId });
    expect(payload).toMatchObject({ nonce: 'nonce', email: person.email, name: person.name, groups: person.groups });
  }
});

test('refuses a wrong password, and a sign-in without PKCE', async () => {
  const [person] = provider.people;
  const refused = await signIn(person!.email, 'wrong', randomBytes(32).toString('base64url'));
  expect(refused.status).toBe(401);
  expect(await refused.text()).toContain('Email or password is wrong.');
  const answer = await browser()(authorize(undefined));
  expect(answer.headers.get('location')).toContain('error=invalid_request');
});

test('keeps port, people and client over a restart', async () => {
  await stopIdentityProvider(folder, { remove: false });
  expect(await startIdentityProvider(folder)).toEqual(provider);
});
