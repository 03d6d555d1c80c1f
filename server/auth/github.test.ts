import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startGithub, type Github } from '../../e2e/github.ts';
import { GithubProvider } from './github.ts';

let github: Github;
beforeAll(async () => {
  github = await startGithub();
});
afterAll(() => github[Symbol.dispose]());
beforeEach(() => github.reset());

function redeem(groups: [string, string][]) {
  const provider = new GithubProvider({
    clientId: 'app',
    clientSecret: 's',
    groups: new Map(groups),
    url: github.url,
    apiUrl: github.url,
  });
  return provider.redeem({ code: 'c', codeVerifier: 'v', redirectUri: 'https://portal.example/cb' });
}

test('a member is known by the number that GitHub never gives twice, in the groups of organisation and team', async () => {
  const identity = await redeem([
    ['acme', 'dev'],
    ['acme/platform', 'admins'],
    ['other', 'nope'],
  ]);
  expect(identity).toEqual({
    provider: 'github',
    issuer: github.url,
    subject: '7',
    email: 'ada@example.org',
    name: 'Ada L.',
    groups: ['dev', 'admins'],
  });
  expect(github.calls.at(-1)).toBe('DELETE /applications/app/token');
});

test('a token of another application proves nothing', async () => {
  github.answers['POST /applications/app/token'] = { status: 404, body: { message: 'Not Found' } };
  await expect(redeem([['acme', 'dev']])).rejects.toMatchObject({ code: 'token-not-ours' });
  expect(github.calls).not.toContain('GET /user');
  github.answers['POST /applications/app/token'] = { status: 200, body: { app: { client_id: 'another' } } };
  await expect(redeem([['acme', 'dev']])).rejects.toMatchObject({ code: 'token-not-ours' });
});

test('who is in none of the organisations is refused, and the token given back', async () => {
  await expect(redeem([['another-org', 'dev']])).rejects.toMatchObject({ code: 'not-a-member', status: 403 });
  expect(github.calls.at(-1)).toBe('DELETE /applications/app/token');
});

test('a code that GitHub does not know is refused', async () => {
  github.answers['POST /login/oauth/access_token'] = { status: 200, body: { error: 'bad_verification_code' } };
  await expect(redeem([['acme', 'dev']])).rejects.toMatchObject({
    code: 'code-refused',
    meta: { error: 'bad_verification_code' },
  });
});
