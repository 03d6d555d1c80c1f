/**
 * The portal as an authorization server for its own command line: the browser's way (RFC 8252, authorization code with
 * PKCE) and a device's (RFC 8628). What comes of either is an API token of its person, and nothing else.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Db } from '../../db/client.ts';
import * as rows from '../../db/queries/cli-sign-ins.ts';
import type { AuditCode, AuditEvent } from '../domain/audit-codes.ts';
import {
  AUTHORIZATION_CODE_MS,
  CLI_TOKEN_DAYS,
  DEVICE_CODE_MS,
  paced,
  POLL_SECONDS,
  readUserCode,
  userCodeFrom,
} from '../domain/cli-sign-in.ts';
import { OauthError } from '../domain/oauth-error.ts';
import type { Person, Scope } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import type { Source } from './api-tokens.ts';
import { addressKey, RateLimit } from './rate-limit.ts';
import { hashSecret, newSecret, SECRET_PATTERN } from './tokens.ts';

/** Ms. As long as a token may live, so that a code that comes again still finds what it opened. */
const KEEP_MS = 24 * 3_600_000;
/** Of a portal at once: a flood fills this and no disk, and the browser's way stays open. */
const MOST_DEVICES = 1_000;
const WINDOW_MS = 15 * 60_000;
/**
 * Within the window: sign-ins that one person allows in the browser, and that one address begins for devices; user codes that one person, or one address, gets wrong; codes
 * that one address redeems without success. Ten guesses at 34 bits in a quarter of an hour are none.
 */
const MOST = { allowed: 30, begun: 30, person: 10, address: 30, redeemed: 60 };

export type AuthorizationRequest = {
  redirectUri: string;
  codeChallenge: string;
  scopes: Scope[];
  deviceName: string;
};

export type CliToken = { token: string; scopes: Scope[]; expiresAt: Date; name: string };

export type CliSignInsDeps = {
  db: Db;
  apiTokens: {
    create(
      userId: string,
      wish: { name: string; scopes: Scope[]; days: number },
      by: Source,
    ): Promise<{ row: { id: string; name: string; expiresAt: Date }; token: string }>;
    find(token: string): Promise<Person>;
    revoke(which: { userId: string; id: string }, by: Source): Promise<void>;
  };
  audit: { record(event: AuditEvent): Promise<void> };
  now: () => Date;
};

type Caller = Pick<Source, 'clientAddress' | 'correlationId'>;

export class CliSignIns {
  readonly #deps: CliSignInsDeps;
  readonly #limits: Record<keyof typeof MOST, RateLimit>;

  constructor(deps: CliSignInsDeps) {
    this.#deps = deps;
    const limit = (most: number) => new RateLimit({ most, windowMs: WINDOW_MS, now: deps.now });
    this.#limits = {
      allowed: limit(MOST.allowed),
      begun: limit(MOST.begun),
      person: limit(MOST.person),
      address: limit(MOST.address),
      redeemed: limit(MOST.redeemed),
    };
  }

  /** A person said yes: the code that goes back to the program. Throws Problem `cli-sign-in-limited`. */
  async approve(person: Person, request: AuthorizationRequest, by: Source): Promise<string> {
    const wait = this.#limits.allowed.attempt(person.id);
    if (wait) throw tooMany('You have allowed many command lines within minutes.', wait);
    const createdAt = this.#deps.now();
    const code = newSecret();
    await rows.insertCliSignIn(
      this.#deps.db,
      {
        kind: 'code',
        codeHash: hashSecret(code),
        state: 'approved',
        ...request,
        clientAddress: by.clientAddress ?? '',
        intervalSeconds: 0,
        userId: person.id,
        webSessionId: person.proof.id,
        createdAt,
        expiresAt: new Date(createdAt.getTime() + AUTHORIZATION_CODE_MS),
      },
      new Date(createdAt.getTime() - KEEP_MS),
    );
    await this.#record('cli.approved', by, { way: 'browser', device: request.deviceName, scopes: request.scopes });
    return code;
  }

  /** A person said no. */
  async deny(request: Pick<AuthorizationRequest, 'deviceName' | 'scopes'>, by: Source): Promise<void> {
    await this.#record('cli.denied', by, { way: 'browser', device: request.deviceName, scopes: request.scopes });
  }

  /** RFC 8628 3.1. Throws OauthError. */
  async beginDevice(
    wish: { deviceName: string; scopes: Scope[] },
    address: string,
  ): Promise<{ deviceCode: string; userCode: string }> {
    limited(this.#limits.begun.attempt(addressKey(address)));
    const createdAt = this.#deps.now();
    if ((await rows.countPendingDevices(this.#deps.db, createdAt)) >= MOST_DEVICES)
      throw new OauthError('temporarily_unavailable', 'Too many devices wait for their sign-in at this moment.', {
        status: 503,
        retryAfter: 60,
      });
    // Another device may have the same letters, once in a very long time.
    for (let attempt = 0; attempt < 5; attempt++) {
      const deviceCode = newSecret();
      const userCode = userCodeFrom(randomBytes(16));
      if (!userCode) continue;
      const row = await rows.insertCliSignIn(
        this.#deps.db,
        {
          kind: 'device',
          codeHash: hashSecret(deviceCode),
          userCodeHash: hashSecret(userCode),
          state: 'pending',
          ...wish,
          clientAddress: address,
          intervalSeconds: POLL_SECONDS,
          createdAt,
          expiresAt: new Date(createdAt.getTime() + DEVICE_CODE_MS),
        },
        new Date(createdAt.getTime() - KEEP_MS),
      );
      if (row) return { deviceCode, userCode };
    }
    throw new OauthError('server_error', 'No code could be made.', { status: 500 });
  }

  /** What stands behind a user code. Throws Problem `device-code-unknown`, `cli-sign-in-limited`. */
  async lookUp(typed: string, person: Person, address: string): Promise<rows.CliSignInRow> {
    return this.#guess(typed, person, address, (hash) => rows.findPendingDevice(this.#deps.db, hash, this.#deps.now()));
  }

  /** Throws as {@link lookUp}. */
  async decide(typed: string, approved: boolean, person: Person, by: Source): Promise<void> {
    const state = approved ? ('approved' as const) : ('denied' as const);
    const decision = { state, userId: person.id, webSessionId: person.proof.id };
    const { deviceName, scopes, clientAddress } = await this.#guess(typed, person, by.clientAddress ?? '', (hash) =>
      rows.decideOnDevice(this.#deps.db, hash, decision, this.#deps.now()),
    );
    const detail = { way: 'device', device: deviceName, deviceAddress: clientAddress, scopes };
    await this.#record(approved ? 'cli.approved' : 'cli.denied', by, detail);
  }

  /** Counted before it is looked at, so that many at once count as many. */
  async #guess(
    typed: string,
    person: Person,
    address: string,
    look: (hash: Buffer) => Promise<rows.CliSignInRow | undefined>,
  ): Promise<rows.CliSignInRow> {
    const keys = [
      [this.#limits.person, person.id],
      [this.#limits.address, addressKey(address)],
    ] as const;
    for (const [limit, key] of keys) {
      const wait = limit.attempt(key);
      if (wait) throw tooMany('Too many codes were wrong.', wait);
    }
    const code = readUserCode(typed);
    const found = code && (await look(hashSecret(code)));
    if (!found)
      throw new Problem(
        'device-code-unknown',
        404,
        'No device waits with this code: it was mistyped, used or is over.',
        {
          next: 'Look at the device again, or begin anew there with “sallyport login --device”.',
        },
      );
    for (const [limit, key] of keys) limit.forgive(key);
    return found;
  }

  /** RFC 6749 4.1.3 with RFC 7636 4.6. The first attempt uses the code up, whatever it brings. Throws OauthError. */
  async redeemCode(proof: { code: string; verifier: string; redirectUri: string }, caller: Caller): Promise<CliToken> {
    const row = await this.#find('code', proof.code, caller);
    if (!(await rows.spendCliSignIn(this.#deps.db, row.id, this.#deps.now()))) {
      if (isUsed(row)) await this.#replayed(row, caller);
      throw refusedGrant('This code was used already, or is over.');
    }
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
    if (isUsed(row)) {
      await this.#replayed(row, caller);
      throw refusedGrant('This code was used already.');
    }
    if (row.expiresAt <= now) throw new OauthError('expired_token', 'Nobody approved the sign-in in time.');
    if (row.state === 'pending') {
      const { tooEarly, intervalSeconds } = paced(row, now);
      await rows.notePoll(this.#deps.db, row.id, now, intervalSeconds);
      throw tooEarly
        ? new OauthError('slow_down', `Ask every ${intervalSeconds} seconds.`)
        : new OauthError('authorization_pending', 'Nobody has decided yet.');
    }
    if (!(await rows.spendCliSignIn(this.#deps.db, row.id, now)))
      throw refusedGrant('This code was used already, or is over.');
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
    limited(this.#limits.redeemed.attempt(key));
    const row = SECRET_PATTERN.test(code) ? await rows.findCliSignIn(this.#deps.db, kind, hashSecret(code)) : undefined;
    if (!row) throw refusedGrant('This code is unknown.');
    // One that comes again counts as one that is unknown.
    if (!isUsed(row)) this.#limits.redeemed.forgive(key);
    return row;
  }

  /** RFC 6749 4.1.2 and 10.5: whoever came first may have stolen it, so what it opened is closed. */
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
    return { token: made.token, scopes, expiresAt: made.row.expiresAt, name: made.row.name };
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

function tooMany(what: string, waitMs: number): Problem {
  const minutes = Math.ceil(waitMs / 60_000);
  return new Problem('cli-sign-in-limited', 429, what, {
    next: `Wait ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}, then begin anew in the terminal.`,
    meta: { retryAfterSeconds: String(Math.ceil(waitMs / 1_000)) },
  });
}

function limited(waitMs: number): void {
  if (!waitMs) return;
  const retryAfter = Math.ceil(waitMs / 1_000);
  throw new OauthError('temporarily_unavailable', `Too many attempts. Wait ${Math.ceil(retryAfter / 60)} min.`, {
    status: 429,
    retryAfter,
  });
}
