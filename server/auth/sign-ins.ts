/**
 * A sign-in on its way. The portal names each callback request that it passes to web with a one-time id; web hands the
 * proof and that id to the portal, which redeems it, and sets the cookie itself on the answer of that same request.
 * So web can bring about a sign-in for the browser that is just doing one, and never sees the cookie.
 */
import type { AuditEvent } from '../domain/audit-codes.ts';
import { Problem } from '../domain/problem.ts';
import type { UserRow } from '../../db/queries/users.ts';
import type { Identity } from './accounts.ts';
import { addressKey, RateLimit } from './rate-limit.ts';
import { newSecret } from './tokens.ts';

/** Ms. A provider's token endpoint may be slow; longer than this, nobody waits. */
const LIFE_MS = 60_000;
const MOST_AT_ONCE = 1_000;
const WINDOW_MS = 15 * 60_000;
/** Wrong passwords within the window: for one account from one address; for one account from anywhere; from one address. */
const MOST = { pair: 5, account: 30, address: 60 };

/** The browser's request that a sign-in belongs to. */
export type SignInRequest = { address: string; userAgent: string; correlationId: string };

/** The proof that web passes on. */
export type Proof =
  | { provider: 'oidc' | 'github'; code: string; codeVerifier: string; nonce?: string | undefined; redirectUri: string }
  | { provider: 'local'; email: string; password: string };

export type SignInsDeps = {
  /** Redeems a code, or checks a password; throws a Problem that may be shown. Absent: that way is not offered. */
  redeem: {
    oidc?: (proof: Extract<Proof, { code: string }>) => Promise<Identity>;
    github?: (proof: Extract<Proof, { code: string }>) => Promise<Identity>;
    local?: (proof: Extract<Proof, { password: string }>) => Promise<UserRow | undefined>;
  };
  settle(identity: Identity, source: Pick<AuditEvent, 'clientAddress' | 'correlationId'>): Promise<UserRow>;
  webSessions: {
    start(who: {
      userId: string;
      method: string;
      address: string;
      userAgent: string;
    }): Promise<{ token: string; session: { id: string } }>;
    end(which: { id: string }): Promise<string[]>;
  };
  audit: { record(event: AuditEvent): Promise<void> };
  now: () => Date;
};

type Pending = {
  request: SignInRequest;
  startedAt: number;
  redeemed: boolean;
  outcome?: { token: string; session: string };
};

export class SignIns {
  readonly #deps: SignInsDeps;
  readonly #pending = new Map<string, Pending>();
  readonly #limits: { pair: RateLimit; account: RateLimit; address: RateLimit };

  constructor(deps: SignInsDeps) {
    this.#deps = deps;
    const limit = (most: number) => new RateLimit({ most, windowMs: WINDOW_MS, now: deps.now });
    this.#limits = { pair: limit(MOST.pair), account: limit(MOST.account), address: limit(MOST.address) };
  }

  /** Names a callback request that is about to be passed to web. Throws Problem `sign-in-busy`. */
  begin(request: SignInRequest): string {
    const oldest = this.#deps.now().getTime() - LIFE_MS;
    for (const [id, pending] of this.#pending) {
      if (pending.startedAt > oldest) break;
      this.#pending.delete(id);
    }
    if (this.#pending.size >= MOST_AT_ONCE)
      throw new Problem('sign-in-busy', 503, 'Too many people are signing in at this moment.', {
        next: 'Try again in a minute.',
      });
    const id = newSecret();
    this.#pending.set(id, { request, startedAt: this.#deps.now().getTime(), redeemed: false });
    return id;
  }

  /** The answer of that request is on its way to the browser: the cookie's value, if it signed somebody in. */
  finish(id: string): string | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending?.outcome?.token;
  }

  /** That request came to nothing; a sign-in that it made is of no use to anybody. */
  async abandon(id: string): Promise<void> {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending?.outcome) await this.#deps.webSessions.end({ id: pending.outcome.session });
  }

  /**
   * Redeems a proof, once for each id. Throws Problem `sign-in-replayed`, `sign-in-limited`, `wrong-password`,
   * `sign-in-off`, and what the provider's check throws.
   */
  async redeem(id: string, proof: Proof): Promise<Pick<UserRow, 'id' | 'name' | 'email'>> {
    const pending = this.#pending.get(id);
    if (!pending || pending.redeemed || pending.startedAt <= this.#deps.now().getTime() - LIFE_MS)
      throw new Problem('sign-in-replayed', 401, 'This sign-in is over already.', { next: 'Sign in again.' });
    // Before anything is awaited: the same id a second time finds it used.
    pending.redeemed = true;
    const { request } = pending;
    const source = { clientAddress: request.address, correlationId: request.correlationId };
    const claimed = proof.provider === 'local' ? proof.email : `(${proof.provider})`;
    try {
      const user =
        proof.provider === 'local' ? await this.#password(proof, request) : await this.#code(proof, request, source);
      const { token, session } = await this.#deps.webSessions.start({
        userId: user.id,
        method: proof.provider,
        ...request,
      });
      const detail = { method: proof.provider, webSession: session.id };
      await this.#record('sign-in.succeeded', user.id, user.email, source, detail).catch(async (error: unknown) => {
        await this.#deps.webSessions.end({ id: session.id });
        throw error;
      });
      // The request may have been given up while the provider answered: then nobody would ever hold this cookie.
      if (this.#pending.get(id) === pending) pending.outcome = { token, session: session.id };
      else await this.#deps.webSessions.end({ id: session.id });
      return { id: user.id, name: user.name, email: user.email };
    } catch (error) {
      const problem = error instanceof Problem ? error : undefined;
      const code = problem?.code === 'sign-in-limited' ? 'sign-in.limited' : 'sign-in.failed';
      await this.#record(code, null, claimed.slice(0, 254), source, {
        method: proof.provider,
        reason: problem?.code ?? 'internal',
        ...problem?.meta,
      });
      throw error;
    }
  }

  async #code(
    proof: Extract<Proof, { code: string }>,
    request: SignInRequest,
    source: Pick<AuditEvent, 'clientAddress' | 'correlationId'>,
  ): Promise<UserRow> {
    const redeem = this.#deps.redeem[proof.provider];
    if (!redeem) throw off(proof.provider);
    const address = addressKey(request.address);
    limited(this.#limits.address.attempt(address));
    const user = await this.#deps.settle(await redeem(proof), source);
    this.#limits.address.forgive(address);
    return user;
  }

  async #password(proof: Extract<Proof, { password: string }>, request: SignInRequest): Promise<UserRow> {
    const check = this.#deps.redeem.local;
    if (!check) throw off('local');
    const account = proof.email.toLowerCase();
    const address = addressKey(request.address);
    const keys = [
      [this.#limits.pair, `${account} ${address}`],
      [this.#limits.account, account],
      [this.#limits.address, address],
    ] as const;
    for (const [index, [limit, key]] of keys.entries()) {
      const wait = limit.attempt(key);
      if (!wait) continue;
      for (const [counted, same] of keys.slice(0, index)) counted.forgive(same);
      limited(wait);
    }
    const user = await check({ ...proof, email: account });
    if (!user)
      throw new Problem('wrong-password', 401, 'Email or password is wrong.', {
        next: 'Try again. An administrator can set a new password.',
      });
    // The address keeps what it failed for other accounts.
    this.#limits.pair.clear(keys[0][1]);
    this.#limits.account.forgive(account);
    this.#limits.address.forgive(address);
    return user;
  }

  async #record(
    code: AuditEvent['code'],
    actorId: string | null,
    actor: string,
    source: Pick<AuditEvent, 'clientAddress' | 'correlationId'>,
    detail: Record<string, unknown>,
  ): Promise<void> {
    await this.#deps.audit.record({ at: this.#deps.now(), code, actorId, actor, ...source, detail });
  }
}

function limited(waitMs: number): void {
  if (!waitMs) return;
  const minutes = Math.ceil(waitMs / 60_000);
  throw new Problem(
    'sign-in-limited',
    429,
    `Too many attempts. Wait ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`,
    {
      next: 'An administrator can set a new password, or sign in with your identity provider.',
      meta: { retryAfterSeconds: String(Math.ceil(waitMs / 1000)) },
    },
  );
}

function off(provider: string): Problem {
  return new Problem('sign-in-off', 403, `Sign-in by ${provider} is switched off here.`, {
    next: 'Use another way of the sign-in page.',
  });
}
