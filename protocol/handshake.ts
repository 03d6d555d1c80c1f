/**
 * How portal and session host prove to each other that they hold the sandbox's secret, on each connection. Needs
 * Node: pages never import it. See docs/protocol.md.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const NONCE_BYTES = 32;
export const SECRET_BYTES = 32;
const PROOF_BYTES = 32;

/** What the portal answers a host's hello with: the payload of `challenge`. */
export function encodeChallenge(secret: Uint8Array, portalNonce: Uint8Array, hostNonce: Uint8Array): Uint8Array {
  return Buffer.concat([portalNonce, mac(secret, 'portal', hostNonce)]);
}

/** The portal's nonce where the challenge proves the secret, null where it does not. */
export function openChallenge(secret: Uint8Array, challenge: Uint8Array, hostNonce: Uint8Array): Uint8Array | null {
  if (challenge.length !== NONCE_BYTES + PROOF_BYTES) return null;
  if (!timingSafeEqual(challenge.subarray(NONCE_BYTES), mac(secret, 'portal', hostNonce))) return null;
  return challenge.subarray(0, NONCE_BYTES);
}

/** The payload of the host's `proof`. */
export function encodeProof(secret: Uint8Array, portalNonce: Uint8Array, hostNonce: Uint8Array): Uint8Array {
  return mac(secret, 'host', portalNonce, hostNonce);
}

/** Whether a `proof` is the host's. Until it is, nothing else of the connection may be believed. */
export function checkProof(
  secret: Uint8Array,
  proof: Uint8Array,
  portalNonce: Uint8Array,
  hostNonce: Uint8Array,
): boolean {
  return proof.length === PROOF_BYTES && timingSafeEqual(proof, encodeProof(secret, portalNonce, hostNonce));
}

function mac(secret: Uint8Array, side: 'portal' | 'host', ...nonces: Uint8Array[]): Buffer {
  const hmac = createHmac('sha256', secret).update(side);
  for (const nonce of nonces) hmac.update(nonce);
  return hmac.digest();
}
