/**
 * An id token of a CI job against a short-lived API token of a service user (RFC 8693): believed is what its issuer
 * signed, of an issuer that an administrator named, once, and where exactly one trust fits.
 */
import { createHash } from 'node:crypto';
import { decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose';
import type { Db } from '../../db/client.ts';
import { trustStands, trustsOfIssuer, useUp } from '../../db/queries/trusts.ts';
import type { AuditCode, AuditEvent } from '../domain/audit-codes.ts';
import { matchTrust } from '../domain/federation.ts';
import { OauthError, tooManyAttempts } from '../domain/oauth-error.ts';
import type { Scope } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import { ACCESS_TOKEN, type ExchangeWish, exchangeWish } from '../domain/token-exchange.ts';
import type { ApiTokens, Source } from './api-tokens.ts';
import { addressKey, RateLimit } from './rate-limit.ts';
import { isIssuerAway, type TrustedIssuers } from './trusted-issuers.ts';

/** Asymmetric, and what issuers of CI jobs use. HS256 would take a public key for a shared one; `none` is none. */
const ALGORITHMS = ['RS256', 'ES256'];
/** Seconds that the issuer's clock and ours may differ. */
const SKEW = 60;
/** Seconds. A used token is remembered until it is over, so it has to be over some day; a job's takes minutes. */
const LONGEST_LIFE = 24 * 3_600;
/** Tokens that one address brings without success, within the window. */
const MOST_WRONG = 60;
const WINDOW_MS = 15 * 60_000;
/** Claims that say in the audit log which job it was. */
const TOLD = [
  'sub',
  'repository',
  'ref',
  'environment',
  'workflow_ref',
  'run_id',
  'project_path',
  'pipeline_id',
  'job_id',
];

export type TokenExchangeDeps = {
  db: Db;
  /** The portal's own: the only one for whom tokens are made. */
  origin: string;
  issuers: Pick<TrustedIssuers, 'keysOf'>;
  apiTokens: Pick<ApiTokens, 'create' | 'revoke'>;
  audit: { record(event: AuditEvent): Promise<void> };
  now: () => Date;
};

type Caller = Pick<Source, 'clientAddress' | 'correlationId'> & { clientAddress: string };

export class TokenExchange {
  readonly #deps: TokenExchangeDeps;
  readonly #wrong: RateLimit;

  constructor(deps: TokenExchangeDeps) {
    this.#deps = deps;
    this.#wrong = new RateLimit({ most: MOST_WRONG, windowMs: WINDOW_MS, now: deps.now });
  }

  /** The answer of RFC 8693 2.2.1 to a form. Throws OauthError. */
  async exchange(form: ReadonlyMap<string, string>, caller: Caller): Promise<object> {
    const wish = exchangeWish(form, this.#deps.origin);
    const key = addressKey(caller.clientAddress);
    const wait = this.#wrong.attempt(key);
    if (wait > 0) throw tooManyAttempts(wait);
    try {
      const answer = await this.#give(wish, caller);
      this.#wrong.forgive(key);
      return answer;
    } catch (error) {
      // An issuer, or a database, that is away is not the caller's doing.
      const wrong = error instanceof OauthError && error.error !== 'temporarily_unavailable';
      if (!wrong) this.#wrong.forgive(key);
      throw error;
    }
  }

  async #give(wish: ExchangeWish, caller: Caller): Promise<object> {
    const { db, apiTokens, now } = this.#deps;
    const refuse = (why: string, detail: Record<string, unknown> = {}) => this.#refuse(why, detail, caller);
    const issuer = issuerOf(wish.subjectToken);
    if (issuer === undefined) return refuse('unreadable');
    const trusts = await trustsOfIssuer(db, issuer);
    if (trusts.length === 0) return refuse('issuer', { issuer });
    const claims = await this.#verify(wish.subjectToken, issuer).catch((error: unknown) => {
      if (error instanceof errors.JOSEError) return error;
      throw error;
    });
    if (claims instanceof Error) return refuse(reasonOf(claims), { issuer });
    const told = { issuer, ...shown(claims) };
    if (claims.exp! - claims.iat! > LONGEST_LIFE) return refuse('lifetime', told);
    const match = matchTrust(trusts, claims, wish.trust);
    if ('refused' in match) {
      if (match.refused === 'none') return refuse('claims', { ...told, misfits: match.misfits.slice(0, 20) });
      await this.#record('token.exchange-refused', null, caller, { ...told, reason: 'several', trusts: match.names });
      throw refusal('Several trusts fit this token: name the one that you mean in the parameter "trust".');
    }
    const { trust } = match;
    const scopes = wish.scopes ?? (trust.scopes as Scope[]);
    if (!scopes.every((scope) => trust.scopes.includes(scope)))
      throw new OauthError('invalid_scope', 'The trust does not give this scope.');
    // Last of all, so that a refusal that the caller can mend uses nothing up.
    const over = new Date((claims.exp! + SKEW) * 1_000);
    if (!(await useUp(db, { hash: identityOf(wish.subjectToken, issuer, claims), expiresAt: over }, now())))
      return refuse('replayed', told);
    const by = { actorId: trust.user.id, actor: trust.user.email, ...caller };
    const made = await apiTokens
      .create(trust.userId, { name: `By ${trust.name}`, scopes, lifetimeMs: trust.lifetimeMs, trustId: trust.id }, by)
      .catch((error: unknown) => {
        if (error instanceof Problem && error.code === 'too-many-tokens')
          throw new OauthError(
            'temporarily_unavailable',
            'This trust has given too many tokens that are not over yet.',
            {
              status: 503,
              retryAfter: 60,
            },
          );
        throw error;
      });
    // The trust, or its user, may have gone since it was read; whoever removed it has not seen this token.
    if (!(await trustStands(db, trust.id))) {
      await apiTokens.revoke({ trustId: trust.id }, by);
      return refuse('claims', told);
    }
    await this.#record('token.exchanged', by, caller, { trust: trust.name, token: made.row.id, scopes, ...told });
    return {
      access_token: made.token,
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: Math.floor((made.row.expiresAt.getTime() - now().getTime()) / 1_000),
      scope: scopes.join(' '),
    };
  }

  /** Throws jose's errors for a token that is none, OauthError where its issuer cannot be asked. */
  async #verify(token: string, issuer: string): Promise<JWTPayload> {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.#deps.issuers.keysOf(issuer), {
        algorithms: ALGORITHMS,
        issuer,
        requiredClaims: ['exp', 'iat'],
        clockTolerance: SKEW,
        currentDate: this.#deps.now(),
      });
      // RFC 8725 3.11: an access token, or a logout token, of the same issuer is no id token.
      const { typ = 'JWT' } = protectedHeader;
      if (typ.toUpperCase() !== 'JWT') throw new errors.JWTInvalid('typ');
      if (payload.iat! > this.#deps.now().getTime() / 1_000 + SKEW)
        throw new errors.JWTClaimValidationFailed('issued in the future', payload, 'iat');
      return payload;
    } catch (error) {
      if (isIssuerAway(error))
        throw new OauthError('temporarily_unavailable', error.message, { status: 503, retryAfter: 30 });
      throw error;
    }
  }

  /** Who brings a token is told no more than that: what is wrong with it stands in the audit log. */
  async #refuse(reason: string, detail: Record<string, unknown>, caller: Caller): Promise<never> {
    await this.#record('token.exchange-refused', null, caller, { reason, ...detail });
    throw refusal(
      reason === 'replayed'
        ? 'This token was exchanged already: ask for a new one.'
        : 'No trust fits this token. The audit log of the portal says why, to administrators.',
    );
  }

  #record(code: AuditCode, by: Source | null, caller: Caller, detail: Record<string, unknown>): Promise<void> {
    const who = by ?? { actorId: null, actor: 'nobody', ...caller };
    return this.#deps.audit.record({ at: this.#deps.now(), code, ...who, detail });
  }
}

/** RFC 8693 2.2.2: `invalid_request` is what a token that is not good is answered with. */
function refusal(why: string): OauthError {
  return new OauthError('invalid_request', why);
}

function issuerOf(token: string): string | undefined {
  try {
    const { iss } = decodeJwt(token);
    return typeof iss === 'string' && iss.length <= 2_048 ? iss : undefined;
  } catch {
    return undefined;
  }
}

/** What is brought twice: by its `jti`, else by what was signed, since an ECDSA signature has a second spelling. */
function identityOf(token: string, issuer: string, { jti }: JWTPayload): Buffer {
  const what = typeof jti === 'string' && jti !== '' ? ['jti', jti] : ['text', token.slice(0, token.lastIndexOf('.'))];
  return createHash('sha256')
    .update(JSON.stringify([issuer, ...what]))
    .digest();
}

function reasonOf(error: Error): string {
  if (error instanceof errors.JWTClaimValidationFailed) return error.claim;
  if (error instanceof errors.JWTExpired) return 'exp';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'alg';
  return error instanceof errors.JOSEError ? error.code : 'unreadable';
}

function shown(claims: JWTPayload): Record<string, string> {
  const texts = TOLD.flatMap((name) => {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    return typeof value === 'string' ? [[name, value.slice(0, 256)] as const] : [];
  });
  return Object.fromEntries(texts);
}
