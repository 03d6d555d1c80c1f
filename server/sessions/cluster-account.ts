/** One session's account on its cluster: made once, its token fetched and renewed, removed at the end. */
import { renewAt, tokenLifetimeMs } from '../domain/access-session.ts';
import { sessionEnded } from '../domain/shared-problems.ts';
import { settledWithin, within } from './bounds.ts';
import type { AccountFacts, AccountsPart, AccountToken, Log } from './parts.ts';
import { accountLate } from './problems.ts';

/** A call that waits for the account is a person who waits. */
const CALL_PATIENCE_MS = 15_000;
/** A cluster that is away must not hold up the end: the reaper removes what is left. */
const REMOVE_PATIENCE_MS = 10_000;
/** Between renewals that fail. Half of a token's life, five minutes at least, is there for them. */
const RETRY_MS = 10_000;
/** A token this close to its end may lapse on the way. */
const STALE_MS = 5_000;

type Token = AccountToken & { issuedAt: Date };

export type ClusterAccountDeps = { accounts: AccountsPart; now: () => Date; log: Log };

export class ClusterAccount {
  readonly #facts: AccountFacts;
  readonly #clusterId: string;
  readonly #deps: ClusterAccountDeps;
  readonly #hardCapAt: Date;
  readonly #abort = new AbortController();
  #made: Promise<void> | undefined;
  #removed = false;
  #token: Token | undefined;
  #fetching: Promise<Token> | undefined;
  #retryAt = 0;

  constructor(deps: ClusterAccountDeps, clusterId: string, facts: AccountFacts, hardCapAt: Date) {
    this.#deps = deps;
    this.#clusterId = clusterId;
    this.#facts = facts;
    this.#hardCapAt = hardCapAt;
  }

  /** Makes account and bindings, and the first token. Throws as `AccountsPart.create`. */
  create(): Promise<void> {
    this.#made ??= this.#fetch((life, signal) =>
      this.#deps.accounts.create(this.#clusterId, this.#facts, life, signal),
    ).then(() => {});
    return this.#made;
  }

  /** For an account that an earlier run of the portal made. */
  resume(): void {
    this.#made = Promise.resolve();
  }

  /** The token for calls upstream, where nothing has to be waited for. */
  get tokenAtHand(): string | null {
    return !this.#removed && this.#token && this.#fresh(this.#token) ? this.#token.token : null;
  }

  /** The same, waiting for the account while it is being made. Throws Problem. */
  async token(signal: AbortSignal): Promise<string> {
    if (this.#removed || !this.#made) throw sessionEnded();
    const atHand = this.tokenAtHand;
    if (atHand !== null) return atHand;
    const fetched = this.#made.then(() => (this.#token && this.#fresh(this.#token) ? this.#token : this.#renew()));
    const { token } = await within(fetched, CALL_PATIENCE_MS, signal, accountLate);
    if (this.#removed) throw sessionEnded();
    return token;
  }

  /** Starts a renewal where one is due. Failures are tried again; the log says so. */
  renewIfDue(): void {
    const now = this.#deps.now();
    if (this.#removed || !this.#token || this.#fetching || now.getTime() < this.#retryAt) return;
    const due = renewAt(this.#token.issuedAt, this.#token.expiresAt, this.#hardCapAt);
    if (!due || due > now) return;
    this.#retryAt = now.getTime() + RETRY_MS;
    this.#renew().catch((err: unknown) =>
      this.#deps.log.warn({ err, session: this.#facts.sessionId }, 'the session’s cluster token was not renewed'),
    );
  }

  /**
   * Removes account and bindings; no token is given out from here on. Throws where the removal is not known to be
   * complete: somebody must try again.
   */
  async remove(): Promise<void> {
    this.#removed = true;
    // A creation under way is not cut: the cluster might still carry it out, after the removal.
    const settled = !this.#made || (await settledWithin(this.#made, REMOVE_PATIENCE_MS));
    this.#abort.abort(sessionEnded());
    await this.#deps.accounts.remove(this.#clusterId, this.#facts.sessionId, AbortSignal.timeout(REMOVE_PATIENCE_MS));
    if (!settled) throw new Error('the account’s creation was not answered before its removal');
  }

  #fresh(token: Token): boolean {
    return token.expiresAt.getTime() - this.#deps.now().getTime() > STALE_MS;
  }

  #renew(): Promise<Token> {
    return this.#fetch((life, signal) =>
      this.#deps.accounts.renew(this.#clusterId, this.#facts.serviceAccount, life, signal),
    );
  }

  /** One at a time: who comes meanwhile gets the same token. */
  #fetch(how: (lifetimeMs: number, signal: AbortSignal) => Promise<AccountToken>): Promise<Token> {
    this.#fetching ??= (async () => {
      try {
        const issuedAt = this.#deps.now();
        const issued = await how(tokenLifetimeMs(issuedAt, this.#hardCapAt), this.#abort.signal);
        return (this.#token = { ...issued, issuedAt });
      } finally {
        this.#fetching = undefined;
      }
    })();
    return this.#fetching;
  }
}
