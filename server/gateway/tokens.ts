/**
 * The credential in a sandbox's kubeconfig: an ES256 token that names the session and its account on the cluster.
 * Alone it opens nothing: the gateway takes it on the socket of that session only.
 */
import { createHash, createPublicKey, randomUUID, type KeyObject } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { Problem } from '../domain/problem.ts';

export const AUDIENCE = 'sallyport-kubernetes';
/** At most this long; renewed at half life, so that a stolen one is stale before it is missed. */
export const TOKEN_LIFETIME_MS = 10 * 60_000;

export type TokenSubject = { sessionId: string; namespace: string; serviceAccount: string };
export type TokenClaims = { sessionId: string; subject: string; id: string; expiresAt: Date };

export type KubernetesTokensDeps = {
  /** P-256 private keys; the first signs, all verify. */
  keys: readonly [KeyObject, ...KeyObject[]];
  /** Says which installation: another portal's token is foreign here. */
  issuer: string;
  now(): Date;
};

/** Verified tokens are remembered: a signature costs more than the rest of a small call. */
const CACHE_MAX = 4_096;

export class KubernetesTokens {
  readonly #deps: KubernetesTokensDeps;
  readonly #keys: Map<string, KeyObject>;
  readonly #current: string;
  readonly #verified = new Map<string, TokenClaims>();

  constructor(deps: KubernetesTokensDeps) {
    this.#deps = deps;
    this.#keys = new Map(deps.keys.map((key) => [keyId(key), createPublicKey(key)]));
    this.#current = keyId(deps.keys[0]);
  }

  async mint(subject: TokenSubject, lifetimeMs = TOKEN_LIFETIME_MS): Promise<{ token: string; expiresAt: Date }> {
    const now = this.#deps.now().getTime();
    const expiresAt = new Date(Math.floor((now + Math.min(lifetimeMs, TOKEN_LIFETIME_MS)) / 1000) * 1000);
    const token = await new SignJWT({ sid: subject.sessionId })
      .setProtectedHeader({ alg: 'ES256', kid: this.#current, typ: 'JWT' })
      .setIssuer(this.#deps.issuer)
      .setAudience(AUDIENCE)
      .setSubject(`system:serviceaccount:${subject.namespace}:${subject.serviceAccount}`)
      .setJti(randomUUID())
      .setIssuedAt(Math.floor(now / 1000))
      .setExpirationTime(Math.floor(expiresAt.getTime() / 1000))
      .sign(this.#deps.keys[0]);
    return { token, expiresAt };
  }

  /** Throws Problem `token-expired` or `token-invalid`, both 401. */
  async verify(token: string): Promise<TokenClaims> {
    const known = this.#verified.get(token);
    if (known) {
      if (known.expiresAt > this.#deps.now()) return known;
      this.#verified.delete(token);
      throw expired();
    }
    const claims = await this.#check(token);
    if (this.#verified.size >= CACHE_MAX) this.#verified.delete(this.#verified.keys().next().value!);
    this.#verified.set(token, claims);
    return claims;
  }

  async #check(token: string): Promise<TokenClaims> {
    try {
      const { payload } = await jwtVerify(
        token,
        (header) => {
          const key = this.#keys.get(header.kid ?? '');
          if (!key) throw new errors.JWKSNoMatchingKey();
          return key;
        },
        {
          algorithms: ['ES256'],
          issuer: this.#deps.issuer,
          audience: AUDIENCE,
          requiredClaims: ['sub', 'sid', 'jti', 'exp'],
          currentDate: this.#deps.now(),
          crit: {},
        },
      );
      if (typeof payload['sid'] !== 'string' || typeof payload.sub !== 'string') throw new errors.JWTInvalid();
      return {
        sessionId: payload['sid'],
        subject: payload.sub,
        id: payload.jti!,
        expiresAt: new Date(payload.exp! * 1000),
      };
    } catch (cause) {
      if (cause instanceof errors.JWTExpired) throw expired();
      throw new Problem('token-invalid', 401, 'This credential was not issued by this portal.', {
        next: 'Use the kubeconfig of your session.',
        cause,
      });
    }
  }
}

function expired(): Problem {
  return new Problem('token-expired', 401, 'This credential has expired.', {
    next: 'Read the token file of the kubeconfig again: the portal renews it while the session lives.',
  });
}

/** Stable across restarts, and says nothing of the key. */
function keyId(key: KeyObject): string {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('base64url').slice(0, 16);
}
