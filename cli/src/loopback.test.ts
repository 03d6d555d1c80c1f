import { request } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { listenForCode, type Loopback } from './loopback.ts';

const expected = { state: 'our-state', issuer: 'https://portal.example' };
let loopback: Loopback | undefined;
afterEach(() => loopback?.close());

function visit(query: Record<string, string>, options: { method?: string; host?: string; path?: string } = {}) {
  const { port, host } = new URL(loopback!.redirectUri);
  const path = options.path ?? `/callback?${new URLSearchParams(query)}`;
  return new Promise<{ status: number; text: string; csp: string }>((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, method: options.method ?? 'GET', headers: { host: options.host ?? host } },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.once('end', () =>
          resolve({ status: answer.statusCode!, text, csp: String(answer.headers['content-security-policy']) }),
        );
      },
    );
    asked.once('error', reject);
    asked.end();
  });
}
const good = { code: 'the-code', state: 'our-state', iss: 'https://portal.example' };

test('the portal’s answer gives its code; whatever else comes before it changes nothing', async () => {
  loopback = await listenForCode(expected);
  expect(loopback.redirectUri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
  for (const [query, options] of [
    [{ ...good, state: 'another' }, {}],
    [{ ...good, state: '' }, {}],
    [{ ...good, iss: 'https://evil.example' }, {}],
    [{ code: 'x' }, {}],
    [{ error: 'access_denied', state: 'another', iss: good.iss }, {}],
    [good, { host: 'evil.example' }],
    [good, { host: `localhost:${new URL(loopback.redirectUri).port}` }],
    [good, { method: 'POST' }],
    [good, { path: '/' }],
    [good, { path: '/callback' }],
    [good, { path: `/callbacks?${new URLSearchParams(good)}` }],
  ] as const)
    expect((await visit(query, options)).status).toBe(400);
  const { status, text, csp } = await visit(good);
  expect([status, csp]).toEqual([200, expect.stringContaining("default-src 'none'")]);
  expect(text).not.toContain('the-code');
  expect(await loopback.code).toBe('the-code');
});

test.each([
  ['access_denied', 'The sign-in was denied in the browser.'],
  ['invalid_scope', 'The portal refused the sign-in: in words'],
])('%s ends it with a sentence', async (error, sentence) => {
  loopback = await listenForCode(expected);
  await visit({ error, error_description: 'in\u001bwords', state: good.state, iss: good.iss });
  await expect(loopback.code).rejects.toThrow(sentence);
});
