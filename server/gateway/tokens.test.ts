import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { AUDIENCE, KubernetesTokens, kubeconfigTokens, linkTokens, TOKEN_LIFETIME_MS } from './tokens.ts';

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

const MINUTE = 60_000;
test.each([
  ['kubeconfig', kubeconfigTokens, 'credential-expired'],
  ['link', linkTokens, 'link-expired'],
])('the clock of whoever takes a %s’s token decides, and none of issuing', async (_, kind, expired) => {
  const by = (ms: number) => new KubernetesTokens({ keys: [current], issuer: 'portal', now: () => new Date(ms) }, kind);
  const wish = { userId: 'u', sessionId: 's', clusterId: 'c', expiresAt: new Date(start + 60 * MINUTE) };
  // Of a replica whose clock is ahead: issued in the future, and good all the same.
  const { token } = await by(start + 30 * MINUTE).issue(wish);
  expect(await by(start).verify(token)).toMatchObject({ sessionId: 's' });
  expect(await by(start + 60 * MINUTE - 1).verify(token)).toMatchObject({ sessionId: 's' });
  const refusal = { code: expired, status: 401, meta: { expiredAt: new Date(start + 60 * MINUTE).toISOString() } };
  await expect(by(start + 60 * MINUTE).verify(token)).rejects.toMatchObject(refusal);
  await expect(by(start + 61 * MINUTE).verify(token)).rejects.toMatchObject(refusal);
});

test('one that is to begin later is refused by a sentence that names the clock', async () => {
  const begun = (notBefore: number) =>
    new SignJWT({ sid: 's' })
      .setProtectedHeader({ alg: 'ES256', kid: decodeProtectedHeader(mine).kid! })
      .setIssuer('portal')
      .setAudience(AUDIENCE)
      .setSubject('u')
      .setJti('j')
      .setNotBefore(Math.floor(notBefore / 1000))
      .setExpirationTime(Math.floor(start / 1000) + 600)
      .sign(current);
  const mine = (await tokens([current]).mint(subject)).token;
  expect(await tokens([current]).verify(await begun(start))).toMatchObject({ sessionId: 's' });
  await expect(tokens([current]).verify(await begun(start + MINUTE))).rejects.toMatchObject({
    code: 'token-invalid',
    message: expect.stringContaining('not valid yet, by the clock of the portal'),
  });
});
