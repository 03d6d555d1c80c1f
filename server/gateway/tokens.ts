/**
 * The credentials of kubeconfigs, as ES256 tokens that name a session. A sandbox's opens nothing alone: the gateway
 * takes it on the socket of that session only. A person's own is taken at the gateway's address, for as long as its
 * session stands. The audience tells them apart, so that neither is ever taken for the other.
 */
import { createHash, createPublicKey, randomUUID, type KeyObject } from 'node:crypto';
import { decodeJwt, errors, jwtVerify, SignJWT } from 'jose';
import type { Channel } from '../domain/access-session.ts';
import { Problem } from '../domain/problem.ts';

export const AUDIENCE = 'sallyport-kubernetes';
const KUBECONFIG_AUDIENCE = 'sallyport-kubeconfig';
const LINK_AUDIENCE = 'sallyport-link';
const SERVICE_ENTRY_AUDIENCE = 'sallyport-service-entry';
const LINK_ENTRY_AUDIENCE = 'sallyport-link-entry';
/** At most this long; renewed at half life, so that a stolen one is stale before it is missed. */
export const TOKEN_LIFETIME_MS = 10 * 60_000;

export type TokenSubject = { sessionId: string; namespace: string; serviceAccount: string };

/** What a person's own credential names. */
export type CredentialSubject = {
  userId: string;
  sessionId: string;
  clusterId: string;
  expiresAt: Date;
  /** The sign-in that it stands on besides, of somebody who is not the session's person. */
  webSessionId?: string | null;
};
export type TokenClaims = {
  channel: Channel;
  sessionId: string;
  subject: string;
  id: string;
  expiresAt: Date;
  webSessionId: string | null;
};

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
  readonly #kind: TokenKind;
  readonly #keys: Map<string, KeyObject>;
  readonly #current: string;
  readonly #verified = new Map<string, TokenClaims>();

  constructor(deps: KubernetesTokensDeps, kind: TokenKind = sandboxTokens) {
    this.#deps = deps;
    this.#kind = kind;
    this.#keys = new Map(deps.keys.map((key) => [keyId(key), createPublicKey(key)]));
    this.#current = keyId(deps.keys[0]);
  }

  /** A sandbox's. */
  async mint(subject: TokenSubject, lifetimeMs = TOKEN_LIFETIME_MS): Promise<{ token: string; expiresAt: Date }> {
    const end = this.#deps.now().getTime() + Math.min(lifetimeMs, TOKEN_LIFETIME_MS);
    const sub = `system:serviceaccount:${subject.namespace}:${subject.serviceAccount}`;
    return this.#sign({ sub, sid: subject.sessionId }, new Date(end));
  }

  /** A person's own, for one cluster. It ends with its session at the latest. */
  issue(subject: CredentialSubject): Promise<{ token: string; expiresAt: Date; id: string }> {
    const { userId, sessionId, clusterId, webSessionId } = subject;
    const also = webSessionId ? { web: webSessionId } : {};
    return this.#sign({ sub: userId, sid: sessionId, cluster: clusterId, ...also }, subject.expiresAt);
  }

  async #sign(claims: { sub: string; sid: string; cluster?: string; web?: string }, end: Date) {
    const seconds = Math.floor(end.getTime() / 1000);
    const id = randomUUID();
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: this.#current, typ: 'JWT' })
      .setIssuer(this.#deps.issuer)
      .setAudience(this.#kind.audience)
      .setJti(id)
      .setIssuedAt(Math.floor(this.#deps.now().getTime() / 1000))
      .setExpirationTime(seconds)
      .sign(this.#deps.keys[0]);
    return { token, id, expiresAt: new Date(seconds * 1000) };
  }

  /** Whether it was found to be one of these already; it may have expired since. */
  knows(token: string): boolean {
    return this.#verified.has(token);
  }

  /** Throws Problem `token-expired` or `token-invalid`, both 401. */
  async verify(token: string): Promise<TokenClaims> {
    const known = this.#verified.get(token);
    if (known) {
      if (known.expiresAt > this.#deps.now()) return known;
      this.#verified.delete(token);
      throw this.#kind.expired(known.expiresAt);
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
          audience: this.#kind.audience,
          requiredClaims: ['sub', 'sid', 'jti', 'exp'],
          currentDate: this.#deps.now(),
          crit: {},
        },
      );
      if (typeof payload['sid'] !== 'string' || typeof payload.sub !== 'string') throw new errors.JWTInvalid();
      return {
        channel: this.#kind.channel,
        sessionId: payload['sid'],
        subject: payload.sub,
        id: payload.jti!,
        expiresAt: new Date(payload.exp! * 1000),
        webSessionId: typeof payload['web'] === 'string' ? payload['web'] : null,
      };
    } catch (cause) {
      if (cause instanceof errors.JWTExpired) throw this.#kind.expired(new Date((cause.payload.exp ?? 0) * 1000));
      if (cause instanceof errors.JWTClaimValidationFailed && cause.claim === 'nbf')
        throw new Problem('token-invalid', 401, 'This credential is not valid yet, by the clock of the portal.', {
          next: 'Tell the operator: the clocks of the portal’s replicas may differ.',
          cause,
        });
      throw new Problem('token-invalid', 401, this.#kind.foreign, {
        next: this.#kind.instead,
        cause,
      });
    }
  }
}

export type TokenKind = {
  audience: string;
  /** Of the sessions that it names. */
  channel: Channel;
  expired(at: Date): Problem;
  /** What one is that is none of them. */
  foreign: string;
  /** What to do with it. */
  instead: string;
};

const sandboxTokens: TokenKind = {
  audience: AUDIENCE,
  channel: 'terminal',
  foreign: 'This credential was not issued by this portal.',
  instead: 'Use the kubeconfig of your session.',
  expired: (at) =>
    new Problem('token-expired', 401, 'This credential has expired.', {
      next: 'Read the token file of the kubeconfig again: the portal renews it while the session lives.',
      meta: { expiredAt: at.toISOString() },
    }),
};

export const kubeconfigTokens: TokenKind = {
  audience: KUBECONFIG_AUDIENCE,
  channel: 'kubeconfig',
  foreign: 'This is no kubeconfig’s credential of this portal’s; those of shells work in their own shell only.',
  instead: 'Download a kubeconfig of your own in the portal.',
  expired: (at) =>
    new Problem('credential-expired', 401, 'This kubeconfig has expired.', {
      next: 'Download a new one in the portal.',
      meta: { expiredAt: at.toISOString() },
    }),
};

export const linkTokens: TokenKind = {
  audience: LINK_AUDIENCE,
  channel: 'link',
  foreign: 'This is no link of this portal’s.',
  instead: 'Ask whoever gave it to you for another.',
  expired: (at) =>
    new Problem('link-expired', 401, 'This link has expired.', {
      next: 'Ask whoever gave it to you for another.',
      meta: { expiredAt: at.toISOString() },
    }),
};

/** In the cookie of a browser at a service's origin. */
export const serviceEntries: TokenKind = {
  audience: SERVICE_ENTRY_AUDIENCE,
  channel: 'service',
  foreign: 'This browser was not let in at this address.',
  instead: 'Open it from the portal’s page of services.',
  expired: (at) => entryExpired(at, 'Open it once more from the portal’s page of services.'),
};

/** In the cookie of a browser that has redeemed a link. It is no link: it opens nothing as a bearer, nor redeems again. */
export const linkEntries: TokenKind = {
  audience: LINK_ENTRY_AUDIENCE,
  channel: 'link',
  foreign: 'This browser has opened no link at this address.',
  instead: 'Open the link itself.',
  expired: (at) => entryExpired(at, 'Ask whoever gave you the link for another.'),
};

function entryExpired(at: Date, next: string): Problem {
  return new Problem('entry-missing', 401, 'What this browser was let in with has expired.', {
    next,
    meta: { expiredAt: at.toISOString() },
  });
}

/** The kind that a token says it is; whether it is, its verification says. */
export function isLinkToken(token: string): boolean {
  try {
    return decodeJwt(token).aud === LINK_AUDIENCE;
  } catch {
    return false;
  }
}

/** Stable across restarts, and says nothing of the key. */
function keyId(key: KeyObject): string {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('base64url').slice(0, 16);
}
