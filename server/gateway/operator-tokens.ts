/**
 * Links that an operator's own program signed, with a key that is registered here (JWS, RFC 7515; JWT, RFC 7519). The
 * algorithm is the key's, whatever a token says (RFC 8725, 3.1); a key that a token brings along or points to is not looked
 * at (3.10).
 */
import { createHash, createPublicKey } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { Problem } from '../domain/problem.ts';
import type { TokenClaims } from './tokens.ts';

/** One that stands. */
export type LinkKey = { id: string; algorithm: 'ES256' | 'RS256'; publicKey: string };

export type OperatorTokensDeps<K extends LinkKey> = {
  /** What `aud` has to be: of this installation's links, and nothing else's. */
  audience: string;
  key(id: string): Promise<K | undefined>;
  /**
   * The session behind it, made at the first use. Throws Problem `token-invalid`, `link-past-limits`, and those of a
   * session's opening.
   */
  session(
    key: K,
    claims: Record<string, unknown>,
    hash: Buffer,
  ): Promise<{ sessionId: string; userId: string; expiresAt: Date }>;
  now(): Date;
};

/** Verified ones are remembered: from then on the session says whether they stand. */
const CACHE_MAX = 4_096;
const MOST_BYTES = 8 * 1024;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export class OperatorTokens<K extends LinkKey> {
  readonly #deps: OperatorTokensDeps<K>;
  readonly #verified = new Map<string, TokenClaims>();

  constructor(deps: OperatorTokensDeps<K>) {
    this.#deps = deps;
  }

  /** Throws Problem `link-expired`, `token-invalid` and those of its session. */
  async verify(token: string): Promise<TokenClaims> {
    const known = this.#verified.get(token);
    if (known) {
      if (known.expiresAt > this.#deps.now()) return known;
      this.#verified.delete(token);
      throw expired(known.expiresAt);
    }
    const id = operatorKeyOf(token);
    const key = id === null || token.length > MOST_BYTES ? undefined : await this.#deps.key(id);
    if (!key) throw foreign();
    const payload = await this.#check(token, key);
    const hash = createHash('sha256').update(token.split('.')[1]!).digest();
    const { sessionId, userId, expiresAt } = await this.#deps.session(key, payload, hash);
    if (expiresAt <= this.#deps.now()) throw expired(expiresAt);
    const claims: TokenClaims = {
      channel: 'link',
      sessionId,
      subject: userId,
      id: String(payload['jti']),
      expiresAt,
      webSessionId: null,
    };
    if (this.#verified.size >= CACHE_MAX) this.#verified.delete(this.#verified.keys().next().value!);
    this.#verified.set(token, claims);
    return claims;
  }

  async #check(token: string, { algorithm, publicKey }: LinkKey): Promise<Record<string, unknown>> {
    try {
      const { payload } = await jwtVerify(token, createPublicKey(publicKey), {
        algorithms: [algorithm],
        audience: this.#deps.audience,
        currentDate: this.#deps.now(),
        // Before its time it opens nothing, which is said when it is used.
        clockTolerance: Number.MAX_SAFE_INTEGER,
        crit: {},
      });
      return payload;
    } catch (cause) {
      if (cause instanceof errors.JOSEError) throw foreign(cause);
      throw cause;
    }
  }
}

/** The id of an operator's key that a token names; null: it names none. */
export function operatorKeyOf(token: string): string | null {
  try {
    const { kid } = decodeProtectedHeader(token);
    return typeof kid === 'string' && UUID.test(kid) ? kid : null;
  } catch {
    return null;
  }
}

function foreign(cause?: unknown): Problem {
  return new Problem(
    'token-invalid',
    401,
    'This link is signed by no key that is registered here, or for another portal.',
    {
      next: 'Ask whoever signs links; keys are on the page of their service user.',
      cause,
    },
  );
}

function expired(at: Date): Problem {
  return new Problem('link-expired', 401, 'This link has expired.', {
    next: 'Ask whoever gave it to you for another.',
    meta: { expiredAt: at.toISOString() },
  });
}
