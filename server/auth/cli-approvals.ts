/**
 * Sign-ins of the command line until somebody has decided: by the browser (RFC 8252, an authorization code for PKCE),
 * and by a device (RFC 8628, a code that a person types). What a yes is good for is in cli-tokens.ts.
 */
import { randomBytes } from 'node:crypto';
import type { Db } from '../../db/client.ts';
import * as rows from '../../db/queries/cli-sign-ins.ts';
import type { AuditCode, AuditEvent } from '../domain/audit-codes.ts';
import {
  AUTHORIZATION_CODE_MS,
  DEVICE_CODE_MS,
  POLL_SECONDS,
  readUserCode,
  userCodeFrom,
} from '../domain/cli-sign-in.ts';
import { OauthError, tooManyAttempts } from '../domain/oauth-error.ts';
import type { Person, Scope } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import type { Source } from './api-tokens.ts';
import { addressKey, RateLimit } from './rate-limit.ts';
import { hashSecret, newSecret } from './tokens.ts';

/** Ms. As long as a token may live, so that a code that comes again still finds what it opened. */
const KEEP_MS = 24 * 3_600_000;
/** Of a portal at once: a flood fills this and no disk, and the browser's way stays open. */
const MOST_DEVICES = 1_000;
const WINDOW_MS = 15 * 60_000;
/**
 * Within the window: sign-ins that one person allows in the browser, and that one address begins for devices; user
 * codes that one person, or one address, gets wrong. Ten guesses at 34 bits in a quarter of an hour are none.
 */
const MOST = { allowed: 30, begun: 30, person: 10, address: 30 };

export type AuthorizationRequest = {
  redirectUri: string;
  codeChallenge: string;
  scopes: Scope[];
  deviceName: string;
};

export type CliApprovalsDeps = {
  db: Db;
  audit: { record(event: AuditEvent): Promise<void> };
  now: () => Date;
};

export class CliApprovals {
  readonly #deps: CliApprovalsDeps;
  readonly #limits: Record<keyof typeof MOST, RateLimit>;

  constructor(deps: CliApprovalsDeps) {
    this.#deps = deps;
    const limit = (most: number) => new RateLimit({ most, windowMs: WINDOW_MS, now: deps.now });
    this.#limits = {
      allowed: limit(MOST.allowed),
      begun: limit(MOST.begun),
      person: limit(MOST.person),
      address: limit(MOST.address),
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
    const wait = this.#limits.begun.attempt(addressKey(address));
    if (wait) throw tooManyAttempts(wait);
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

  #record(code: AuditCode, by: Source, detail: Record<string, unknown>): Promise<void> {
    return this.#deps.audit.record({ at: this.#deps.now(), code, ...by, detail });
  }
}

function tooMany(what: string, waitMs: number): Problem {
  const minutes = Math.ceil(waitMs / 60_000);
  return new Problem('cli-sign-in-limited', 429, what, {
    next: `Wait ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}, then begin anew in the terminal.`,
    meta: { retryAfterSeconds: String(Math.ceil(waitMs / 1_000)) },
  });
}
