/** GitHub's API as its documentation describes it, on loopback. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { GithubProvider } from './github.ts';

type Answer = { status: number; body: unknown };
let url: string;
let answers: Record<string, Answer>;
let calls: string[];

const server = createServer((request, response) => {
  const path = request.url!.split('?')[0]!;
  calls.push(`${request.method} ${path}`);
  const { status, body } = answers[`${request.method} ${path}`] ?? { status: 404, body: {} };
  response.writeHead(status, { 'content-type': 'application/json' }).end(status === 204 ? '' : JSON.stringify(body));
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  calls = [];
  answers = {
    'POST /login/oauth/access_token': { status: 200, body: { access_token: 'gho_x', scope: 'read:org' } },
    'POST /applications/app/token': { status: 200, body: { app: { client_id: 'app' } } },
    'DELETE /applications/app/token': { status: 204, body: null },
    'GET /user': { status: 200, body: { id: 7, login: 'Ada', name: 'Ada L.', email: 'Ada@Example.org' } },
    'GET /user/memberships/orgs': { status: 200, body: [{ organization: { login: 'Acme' } }] },
    'GET /user/teams': { status: 200, body: [{ slug: 'platform', organization: { login: 'Acme' } }] },
  };
});

function redeem(groups: [string, string][]) {
  const provider = new GithubProvider({
    clientId: 'app',
    clientSecret: 's',
    groups: new Map(groups),
    url,
    apiUrl: url,
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
    issuer: url,
    subject: '7',
    email: 'ada@example.org',
    name: 'Ada L.',
    groups: ['dev', 'admins'],
  });
  expect(calls.at(-1)).toBe('DELETE /applications/app/token');
});

test('a token of another application proves nothing', async () => {
  answers['POST /applications/app/token'] = { status: 404, body: { message: 'Not Found' } };
  await expect(redeem([['acme', 'dev']])).rejects.toMatchObject({ code: 'token-not-ours' });
  expect(calls).not.toContain('GET /user');
  answers['POST /applications/app/token'] = { status: 200, body: { app: { client_id: 'another' } } };
  await expect(redeem([['acme', 'dev']])).rejects.toMatchObject({ code: 'token-not-ours' });
});

test('who is in none of the organisations is refused, and the token given back', async () => {
  await expect(redeem([['another-org', 'dev']])).rejects.toMatchObject({ code: 'not-a-member', status: 403 });
  expect(calls.at(-1)).toBe('DELETE /applications/app/token');
});

test('a code that GitHub does not know is refused', async () => {
  answers['POST /login/oauth/access_token'] = { status: 200, body: { error: 'bad_verification_code' } };
  await expect(redeem([['acme', 'dev']])).rejects.toMatchObject({
    code: 'code-refused',
    meta: { error: 'bad_verification_code' },
  });
});
