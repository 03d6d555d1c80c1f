/** An issuer's keys: how long they count, when they are asked for again, and that nobody can have them asked for often. */
import { exportJWK, generateKeyPair, jwtVerify, SignJWT, type CryptoKey } from 'jose';
import { beforeEach, expect, test } from 'vitest';
import { Problem } from '../domain/problem.ts';
import { TrustedIssuers } from './trusted-issuers.ts';

const ISSUER = 'https://ci.example';
let now: Date;
let asked: string[];
/** What the issuer answers, by address. */
let answers: Map<string, unknown>;
let issuers: TrustedIssuers;

async function newKey(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' } };
}
const publish = (...keys: { jwk: object }[]) => answers.set(`${ISSUER}/keys`, { keys: keys.map(({ jwk }) => jwk) });
const verify = async ({ kid, privateKey }: { kid: string; privateKey: CryptoKey }) =>
  jwtVerify(await new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey), issuers.keysOf(ISSUER), {
    currentDate: now,
  });
const later = (ms: number) => {
  now = new Date(now.getTime() + ms);
};

beforeEach(() => {
  now = new Date('2026-03-01T10:00:00Z');
  asked = [];
  answers = new Map<string, unknown>([
    [`${ISSUER}/.well-known/openid-configuration`, { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` }],
  ]);
  issuers = new TrustedIssuers({
    async read(url) {
      asked.push(url);
      const answer = answers.get(url);
      if (answer === undefined) throw new Problem('issuer-unavailable', 502, 'Away.');
      return answer;
    },
    now: () => now,
  });
});

test('keys are read once, and anew after ten minutes: a withdrawn one is over then', async () => {
  const old = await newKey('old');
  publish(old);
  await verify(old);
  await verify(old);
  expect(asked).toHaveLength(2);
  publish(await newKey('new'));
  later(599_000);
  await verify(old);
  later(1_000);
  await expect(verify(old)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
});

test('an unknown key has them read again, at most every half minute, by however many tokens', async () => {
  const first = await newKey('first');
  publish(first);
  await verify(first);
  const second = await newKey('second');
  publish(first, second);
  await expect(verify(second)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
  expect(asked).toHaveLength(2);
  later(30_000);
  await Promise.all([verify(second), verify(second), verify(second)]);
  expect(asked).toHaveLength(4);
  const stranger = await newKey('stranger');
  const flood = Array.from({ length: 50 }, () => verify(stranger).catch((error: unknown) => error));
  expect(await Promise.all(flood)).toHaveLength(50);
  expect(asked).toHaveLength(4);
});

test('an issuer that is away is asked again after half a minute, and its old keys do not outlive it', async () => {
  const key = await newKey('key');
  await expect(verify(key)).rejects.toMatchObject({ code: 'issuer-unavailable' });
  publish(key);
  await expect(verify(key)).rejects.toMatchObject({ code: 'issuer-unavailable' });
  expect(asked).toHaveLength(2);
  later(30_000);
  await verify(key);
  answers.delete(`${ISSUER}/keys`);
  later(600_000);
  await expect(verify(key)).rejects.toMatchObject({ code: 'issuer-unavailable' });
});

test.each<[string, unknown, unknown]>([
  ['metadata of another issuer', { issuer: 'https://evil.example', jwks_uri: `${ISSUER}/keys` }, { keys: [] }],
  ['metadata without keys', { issuer: ISSUER }, { keys: [] }],
  ['metadata that is a list', [], { keys: [] }],
  ['keys that are no list', { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` }, { keys: {} }],
  [
    'keys without end',
    { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` },
    { keys: Array.from({ length: 101 }, () => ({})) },
  ],
  ['keys that are texts', { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` }, { keys: ['a'] }],
])('%s: not used', async (_what, metadata, keys) => {
  answers.set(`${ISSUER}/.well-known/openid-configuration`, metadata);
  answers.set(`${ISSUER}/keys`, keys);
  await expect(issuers.probe(ISSUER)).rejects.toMatchObject({ code: 'issuer-unavailable' });
});
