/**
 * What a yes to the command line is good for: a code becomes an API token of its person, once (RFC 6749 with PKCE,
 * RFC 8628), and the token is given back by signing out (RFC 7009).
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Db } from '../../db/client.ts';
import * as rows from '../../db/queries/cli-sign-ins.ts';
import type { AuditCode, AuditEvent } from '../domain/audit-codes.ts';
import { CLI_TOKEN_DAYS, paced } from '../domain/cli-sign-in.ts';
import { OauthError, tooManyAttempts } from '../domain/oauth-error.ts';
import type { Person, Scope } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import type { Source } from './api-tokens.ts';
import { addressKey, RateLimit } from './rate-limit.ts';
import { hashSecret, SECRET_PATTERN } from './tokens.ts';

/** Codes that one address brings without success, within the window. */
const MOST_WRONG = 60;
const WINDOW_MS = 15 * 60_000;

export type CliToken = { token: string; scopes: Scope[]; expiresAt: Date };

export type CliTokensDeps = {
  db: Db;
  apiTokens: {
    create(
      userId: string,
      wish: { name: string; scopes: Scope[]; days: number },
      by: Source,
    ): Promise<{ row: { id: string; expiresAt: Date }; token: string }>;
    find(token: string): Promise<Person>;
    revoke(which: { userId: string; id: string }, by: Source): Promise<void>;
  };
  audit: { record(event: AuditEvent): Promise<void> };
  now: () => Date;
};

type Caller = Pick<Source, 'clientAddress' | 'correlationId'>;

export class CliTokens {
  readonly #deps: CliTokensDeps;
  readonly #wrong: RateLimit;

  constructor(deps: CliTokensDeps) {
    this.#deps = deps;
    this.#wrong = new RateLimit({ most: MOST_WRONG, windowMs: WINDOW_MS, now: deps.now });
  }

  /** RFC 6749 4.1.3 with RFC 7636 4.6. The first attempt uses the code up, whatever it brings. Throws OauthError. */
  async redeemCode(proof: { code: string; verifier: string; redirectUri: string }, caller: Caller): Promise<CliToken> {
    const row = await this.#find('code', proof.code, caller);
    await this.#spend(row, caller);
    const challenge = createHash('sha256').update(proof.verifier).digest();
    const expected = Buffer.from(row.codeChallenge ?? '', 'base64url');
    const proven = challenge.length === expected.length && timingSafeEqual(challenge, expected);
    if (!proven || proof.redirectUri !== row.redirectUri) throw refusedGrant('This code belongs to another sign-in.');
    return this.#issue(row, caller);
  }

  /** RFC 8628 3.4. Throws OauthError, `authorization_pending` and `slow_down` among them. */
  async redeemDevice(deviceCode: string, caller: Caller): Promise<CliToken> {
    const now = this.#deps.now();
    const row = await this.#find('device', deviceCode, caller);
    if (row.state === 'denied') throw new OauthError('access_denied', 'The sign-in was denied in the portal.');
    if (row.expiresAt <= now && !isUsed(row))
      throw new OauthError('expired_token', 'Nobody approved the sign-in in time.');
    if (row.state === 'pending') {
      const { tooEarly, intervalSeconds } = paced(row, now);
      await rows.notePoll(this.#deps.db, row.id, now, intervalSeconds);
      throw tooEarly
        ? new OauthError('slow_down', `Ask every ${intervalSeconds} seconds.`)
        : new OauthError('authorization_pending', 'Nobody has decided yet.');
    }
    await this.#spend(row, caller);
    return this.#issue(row, caller);
  }

  /** RFC 7009: what is no token any more is revoked already. Throws OauthError for a token that is not its own. */
  async revoke(token: string, caller: Caller): Promise<void> {
    const person = await this.#deps.apiTokens.find(token).catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'token-invalid') return null;
      throw error;
    });
    if (!person) return;
    const row = await rows.cliSignInOfToken(this.#deps.db, person.proof.id);
    if (!row)
      throw refusedGrant('This token was not given to the command line: revoke it on the account page of the portal.');
    const by = { actorId: person.id, actor: person.email, ...caller };
    await this.#deps.apiTokens.revoke({ userId: person.id, id: person.proof.id }, by);
    await this.#record('cli.signed-out', by, { device: row.deviceName, token: person.proof.id });
  }

  async #find(kind: 'code' | 'device', code: string, caller: Caller): Promise<rows.CliSignInRow> {
    const key = addressKey(caller.clientAddress ?? '');
    const wait = this.#wrong.attempt(key);
    if (wait) throw tooManyAttempts(wait);
    const row = SECRET_PATTERN.test(code) ? await rows.findCliSignIn(this.#deps.db, kind, hashSecret(code)) : undefined;
    if (!row) throw refusedGrant('This code is unknown.');
    // One that comes again counts as one that is unknown.
    if (!isUsed(row)) this.#wrong.forgive(key);
    return row;
  }

  /**
   * Uses an approved code up. RFC 6749 4.1.2 and 10.5: where it comes again, whoever came first may have stolen it, so
   * what it opened is closed. Throws OauthError.
   */
  async #spend(row: rows.CliSignInRow, caller: Caller): Promise<void> {
    const now = this.#deps.now();
    if (await rows.spendCliSignIn(this.#deps.db, row.id, now)) return;
    // Another may have been quicker since the row was read.
    if (isUsed(row) || row.expiresAt > now) await this.#replayed(row, caller);
    throw refusedGrant('This code was used already, or is over.');
  }

  async #replayed(row: rows.CliSignInRow, caller: Caller): Promise<void> {
    const by = { actorId: null, actor: 'nobody', ...caller };
    const { tokenId, userId } = (await rows.noteReplay(this.#deps.db, row.id)) ?? row;
    await this.#record('cli.replayed', by, { device: row.deviceName, token: tokenId, userId });
    if (tokenId && userId) await this.#revokeToken(userId, tokenId, by);
  }

  async #revokeToken(userId: string, id: string, by: Source): Promise<void> {
    await this.#deps.apiTokens.revoke({ userId, id }, by).catch((error: unknown) => {
      if (!(error instanceof Problem && error.code === 'token-not-found')) throw error;
    });
  }

  async #issue(row: rows.CliSignInRow, caller: Caller): Promise<CliToken> {
    const user = await rows.approverOf(this.#deps.db, row.id, this.#deps.now());
    if (!user) throw refusedGrant('The person who approved it has signed out or was disabled.');
    const by = { actorId: user.id, actor: user.email, ...caller };
    const scopes = row.scopes as Scope[];
    const wish = { name: `CLI on ${row.deviceName}`, scopes, days: CLI_TOKEN_DAYS };
    const made = await this.#deps.apiTokens.create(user.id, wish, by).catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'too-many-tokens')
        throw refusedGrant(`${error.message} ${error.next}`);
      throw error;
    });
    if (!(await rows.noteToken(this.#deps.db, row.id, made.row.id))) {
      await this.#revokeToken(user.id, made.row.id, by);
      throw refusedGrant('This code was used already.');
    }
    const way = row.kind === 'code' ? 'browser' : 'device';
    await this.#record('cli.signed-in', by, { way, device: row.deviceName, token: made.row.id });
    return { token: made.token, scopes, expiresAt: made.row.expiresAt };
  }

  #record(code: AuditCode, by: Source, detail: Record<string, unknown>): Promise<void> {
    return this.#deps.audit.record({ at: this.#deps.now(), code, ...by, detail });
  }
}

function isUsed({ state }: rows.CliSignInRow): boolean {
  return state === 'spent' || state === 'replayed';
}

function refusedGrant(why: string): OauthError {
  return new OauthError('invalid_grant', why);
}
