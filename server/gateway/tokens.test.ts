import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { expect, test } from 'vitest';
import { AUDIENCE, KubernetesTokens, TOKEN_LIFETIME_MS } from './tokens.ts';

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const [old, current] = [newKey(), newKey()];
const subject = { sessionId: 's', namespace: 'n', serviceAccount: 'sp-ann' };
const start = Date.UTC(2026, 0, 1);

function tokens(keys: [ReturnType<typeof newKey>, ...ReturnType<typeof newKey>[]], atMs = start, issuer = 'portal') {
  return new KubernetesTokens({ keys, issuer, now: () => new Date(atMs) });
}

test('a token says what it is for, for how long, and by which key', async () => {
  const { token, expiresAt } = await tokens([current]).mint(subject);
  expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', kid: expect.stringMatching(/^[\w-]{16}$/), typ: 'JWT' });
  expect(decodeJwt(token)).toMatchObject({ aud: AUDIENCE, iss: 'portal', sid: 's', jti: expect.any(String) });
  expect(expiresAt).toEqual(new Date(start + TOKEN_LIFETIME_MS));
  expect((await tokens([current]).mint(subject, 8 * 3_600_000)).expiresAt).toEqual(expiresAt);
});

test('after a rotation the tokens of before are good until they end; the new key signs', async () => {
  const before = (await tokens([old]).mint(subject)).token;
  const after = tokens([current, old]);
  expect(await after.verify(before)).toMatchObject({ sessionId: 's' });
  const fresh = (await after.mint(subject)).token;
  expect(decodeProtectedHeader(fresh).kid).not.toBe(decodeProtectedHeader(before).kid);
  await expect(tokens([old]).verify(fresh)).rejects.toMatchObject({ code: 'token-invalid' });
  await expect(tokens([current]).verify(before)).rejects.toMatchObject({ code: 'token-invalid' });
});

test('an ended one is refused, also where it was good a moment ago; another portal’s never is', async () => {
  let now = start;
  const mine = new KubernetesTokens({ keys: [current], issuer: 'portal', now: () => new Date(now) });
  const { token } = await mine.mint(subject);
  await mine.verify(token);
  now += TOKEN_LIFETIME_MS;
  await expect(mine.verify(token)).rejects.toMatchObject({ code: 'token-expired', status: 401 });
  await expect(tokens([current], now).verify(token)).rejects.toMatchObject({ code: 'token-expired' });
  const foreign = (await tokens([current], start, 'another').mint(subject)).token;
  await expect(tokens([current]).verify(foreign)).rejects.toMatchObject({ code: 'token-invalid' });
});
