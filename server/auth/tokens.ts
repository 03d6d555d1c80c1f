/** Random secrets that we hand out and keep as hashes only: cookies of web sessions, API tokens. */
import { createHash, randomBytes } from 'node:crypto';

/** Bytes: 256 bits, which nobody guesses, so a plain hash is enough to store them. */
const SECRET_BYTES = 32;

/** Base64url, 43 characters. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

export const SECRET_PATTERN = /^[A-Za-z0-9_-]{43}$/;

export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
