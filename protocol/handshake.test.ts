import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { checkProof, encodeChallenge, encodeProof, openChallenge } from './handshake.ts';

const secret = randomBytes(32);
const other = randomBytes(32);
const hostNonce = randomBytes(32);
const portalNonce = randomBytes(32);

test('who holds the secret is believed, on both sides', () => {
  const challenge = encodeChallenge(secret, portalNonce, hostNonce);
  expect(openChallenge(secret, challenge, hostNonce)).toEqual(portalNonce);
  expect(checkProof(secret, encodeProof(secret, portalNonce, hostNonce), portalNonce, hostNonce)).toBe(true);
});

test('another secret, another nonce, a cut or a reflected proof is not believed', () => {
  const challenge = encodeChallenge(secret, portalNonce, hostNonce);
  expect(openChallenge(other, challenge, hostNonce)).toBeNull();
  expect(openChallenge(secret, challenge, randomBytes(32))).toBeNull();
  expect(openChallenge(secret, challenge.subarray(1), hostNonce)).toBeNull();
  const proof = encodeProof(secret, portalNonce, hostNonce);
  expect(checkProof(other, proof, portalNonce, hostNonce)).toBe(false);
  expect(checkProof(secret, proof, randomBytes(32), hostNonce)).toBe(false);
  expect(checkProof(secret, proof.subarray(1), portalNonce, hostNonce)).toBe(false);
  // The portal's own proof, sent back to it.
  expect(checkProof(secret, challenge.subarray(32), portalNonce, hostNonce)).toBe(false);
});
