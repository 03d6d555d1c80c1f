/** API tokens: `sp_` and 256 random bits, shown once, kept as hashes, never able to do more than their scopes say. */
import type { Db } from '../../db/client.ts';
import type { Notifications } from '../../db/notifications.ts';
import {
  countLiveApiTokens,
  findLiveApiToken,
  insertApiToken,
  listApiTokens,
  revokeApiTokens,
  touchApiToken,
  type ApiTokenRow,
  type WhichTokens,
} from '../../db/queries/api-tokens.ts';
import type { UserRow } from '../../db/queries/users.ts';
import type { AuditEvent } from '../domain/audit-codes.ts';
import type { Person, Scope } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import { personFrom } from './person.ts';
import { hashSecret, newSecret, SECRET_PATTERN } from './tokens.ts';

const PREFIX = 'sp_';
/** A person's at once: more is a script that forgets to keep its token. */
const MOST = 50;
/** Of one trust at once: jobs of a large organisation, each with a token of its own. */
const MOST_OF_TRUST = 1_000;
const CACHE_SIZE = 10_000;
/** Ms. `last used` is for people: a minute late is early enough, and saves a write with each call. */
const TOUCH_MS = 60_000;

export type ApiTokensDeps = {
  db: Db;
  notifications: Pick<Notifications, 'on' | 'onReset' | 'listening' | 'announce'>;
  roles: { portalOf(person: Pick<Person, 'groups'>): Promise<Person['portal']> };
  audit: { record(event: AuditEvent): Promise<void> };
  now: () => Date;
};

type Found = { token: ApiTokenRow; user: UserRow };
/** `createdBy` where it is made for another; `trustId` and `lifetimeMs` where it is given for an id token. */
export type NewToken = { name: string; scopes: Scope[] } & (
  | { days: number; createdBy?: string }
  | { lifetimeMs: number; trustId: string }
);
/** Where a change comes from, for the audit log. */
export type Source = Pick<AuditEvent, 'actorId' | 'actor' | 'clientAddress' | 'correlationId'>;

export class ApiTokens implements AsyncDisposable {
  readonly #deps: ApiTokensDeps;
  readonly #cache = new Map<string, Found>();
  /** Counts what was forgotten: an answer that was on its way meanwhile may be stale, and is not kept. */
  #forgotten = 0;
  readonly #used = new Map<string, Date>();
  readonly #touch: NodeJS.Timeout;

  constructor(deps: ApiTokensDeps) {
    this.#deps = deps;
    deps.notifications.on('api-token', (id) => this.#forget((found) => found.token.id === id));
    deps.notifications.on('user', (id) => this.#forget((found) => found.user.id === id));
    deps.notifications.onReset(() => this.#forget(() => true));
    this.#touch = setInterval(() => void this.#flush(), TOUCH_MS);
    this.#touch.unref();
  }

  /** Whose this token is. Throws Problem `token-invalid` for one that is unknown, expired or revoked: which, it does not say. */
  async find(token: string): Promise<Person> {
    const secret = token.startsWith(PREFIX) ? token.slice(PREFIX.length) : '';
    const found = SECRET_PATTERN.test(secret) ? await this.#look(hashSecret(secret)) : undefined;
    const now = this.#deps.now();
    if (!found || found.token.expiresAt <= now)
      throw new Problem('token-invalid', 401, 'This API token is unknown, expired or revoked.', {
        next: 'Make a new one on your account page.',
      });
    this.#used.set(found.token.id, now);
    const { id, expiresAt, scopes, trustId } = found.token;
    const proof = { kind: 'api-token' as const, id, expiresAt, scopes: scopes as Scope[], exchanged: trustId !== null };
    return personFrom(found.user, proof, this.#deps.roles);
  }

  async #look(hash: Buffer): Promise<Found | undefined> {
    const key = hash.toString('base64');
    const cached = this.#deps.notifications.listening ? this.#cache.get(key) : undefined;
    if (cached) return cached;
    const before = this.#forgotten;
    const found = await findLiveApiToken(this.#deps.db, hash, this.#deps.now());
    if (found && before === this.#forgotten) {
      if (this.#cache.size >= CACHE_SIZE) this.#cache.delete(this.#cache.keys().next().value!);
      this.#cache.set(key, found);
    }
    return found;
  }

  /** Throws Problem `too-many-tokens`. The token in the answer is shown this once. */
  async create(userId: string, wish: NewToken, by: Source): Promise<{ row: ApiTokenRow; token: string }> {
    const createdAt = this.#deps.now();
    const [whose, most] = 'trustId' in wish ? [wish, MOST_OF_TRUST] : [{ userId }, MOST];
    if ((await countLiveApiTokens(this.#deps.db, whose, createdAt)) >= most)
      throw new Problem('too-many-tokens', 409, `There may be ${most} API tokens of one person or trust at once.`, {
        next: 'Revoke one that is no longer used.',
      });
    const { row, token } = await insertNewToken(this.#deps.db, userId, wish, createdAt);
    const detail = { id: row.id, name: row.name, scopes: row.scopes, expiresAt: row.expiresAt, userId };
    await this.#deps.audit.record({ at: createdAt, code: 'token.created', ...by, detail });
    return { row, token };
  }

  /** Newest first. */
  async list(userId: string): Promise<ApiTokenRow[]> {
    const rows = await listApiTokens(this.#deps.db, userId, 200);
    return rows.map((row) => ({ ...row, lastUsedAt: this.#used.get(row.id) ?? row.lastUsedAt }));
  }

  /** One, or all of a kind. Throws Problem `token-not-found` where the one is not theirs, or revoked already. */
  async revoke(which: WhichTokens, by: Source): Promise<void> {
    const now = this.#deps.now();
    const rows = await revokeApiTokens(this.#deps.db, which, now);
    if ('id' in which && which.id !== undefined && !rows.length)
      throw new Problem('token-not-found', 404, 'You have no such API token.', {
        next: 'Look it up in the list of your tokens.',
      });
    for (const row of rows) {
      await this.#deps.notifications.announce(this.#deps.db, 'api-token', row.id);
      const detail = { id: row.id, name: row.name, userId: row.userId };
      await this.#deps.audit.record({ at: now, code: 'token.revoked', ...by, detail });
    }
  }

  #forget(which: (found: Found) => boolean): void {
    this.#forgotten++;
    for (const [key, found] of this.#cache) if (which(found)) this.#cache.delete(key);
  }

  async #flush(): Promise<void> {
    const used = [...this.#used];
    this.#used.clear();
    try {
      for (const [id, at] of used) await touchApiToken(this.#deps.db, id, at);
    } catch {
      // The database is away, which others say: what is lost is when a token was last used, until its next use.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#touch);
    await this.#flush();
  }
}

/** The token in the answer is shown once; only its hash is kept. */
export async function insertNewToken(
  db: Db,
  userId: string,
  wish: NewToken,
  createdAt: Date,
): Promise<{ row: ApiTokenRow; token: string }> {
  const secret = newSecret();
  const row = await insertApiToken(db, {
    userId,
    name: wish.name,
    scopes: [...new Set(wish.scopes)],
    tokenHash: hashSecret(secret),
    createdAt,
    expiresAt: new Date(createdAt.getTime() + ('days' in wish ? wish.days * 86_400_000 : wish.lifetimeMs)),
    createdBy: 'createdBy' in wish ? wish.createdBy : null,
    trustId: 'trustId' in wish ? wish.trustId : null,
  });
  return { row, token: PREFIX + secret };
}
