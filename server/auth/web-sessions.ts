/**
 * Sign-ins: revocable rows behind a cookie. Each request asks here; answers are kept in memory until a NOTIFY says
 * that they changed, and asked of the database while no NOTIFY can arrive.
 */
import type { Db } from '../../db/client.ts';
import type { Notifications } from '../../db/notifications.ts';
import type { UserRow } from '../../db/queries/users.ts';
import {
  deleteOldWebSessions,
  endWebSessions,
  findLiveWebSession,
  insertWebSession,
  type WebSessionRow,
} from '../../db/queries/web-sessions.ts';
import type { Person } from '../domain/person.ts';
import { personFrom } from './person.ts';
import { hashSecret, newSecret, SECRET_PATTERN } from './tokens.ts';

/** Cached answers; far more than people who sit at a portal at once. */
const CACHE_SIZE = 10_000;
/** Rows are kept this long after their end, then the audit log alone remembers them. */
const KEEP_MS = 30 * 24 * 3_600_000;

export type WebSessionsDeps = {
  db: Db;
  notifications: Pick<Notifications, 'on' | 'onReset' | 'listening' | 'announce'>;
  roles: { portalOf(person: Pick<Person, 'groups'>): Promise<Person['portal']> };
  /** How long a sign-in lasts, from its start. */
  lifetimeMs: number;
  now: () => Date;
};

type Found = { session: WebSessionRow; user: UserRow };

export class WebSessions implements Disposable {
  readonly #deps: WebSessionsDeps;
  readonly #cache = new Map<string, Found>();
  /** Counts what was forgotten: an answer that was on its way meanwhile may be stale, and is not kept. */
  #forgotten = 0;
  readonly #stops: (() => void)[];

  constructor(deps: WebSessionsDeps) {
    this.#deps = deps;
    this.#stops = [
      deps.notifications.on('web-session', (id) => this.#forget((cached) => cached.session.id === id)),
      deps.notifications.on('user', (id) => this.#forget((cached) => cached.user.id === id)),
      deps.notifications.onReset(() => this.#forget(() => true)),
    ];
  }

  /** Makes the row. The token is the cookie's value; it is not kept anywhere here. */
  async start(
    who: Pick<WebSessionRow, 'userId' | 'method' | 'address' | 'userAgent'>,
  ): Promise<{ token: string; session: WebSessionRow }> {
    const token = newSecret();
    const createdAt = this.#deps.now();
    const session = await insertWebSession(this.#deps.db, {
      ...who,
      userAgent: who.userAgent.slice(0, 500),
      tokenHash: hashSecret(token),
      createdAt,
      expiresAt: new Date(createdAt.getTime() + this.#deps.lifetimeMs),
    });
    await deleteOldWebSessions(this.#deps.db, new Date(createdAt.getTime() - KEEP_MS));
    return { token, session };
  }

  /** Whose live sign-in this cookie's value is. */
  async find(token: string): Promise<Person | undefined> {
    if (!SECRET_PATTERN.test(token)) return undefined;
    const hash = hashSecret(token);
    const key = hash.toString('base64');
    let found = this.#deps.notifications.listening ? this.#cache.get(key) : undefined;
    if (!found) {
      const before = this.#forgotten;
      found = await findLiveWebSession(this.#deps.db, { tokenHash: hash }, this.#deps.now());
      if (!found) return undefined;
      if (before === this.#forgotten) this.#keep(key, found);
    }
    const { id, expiresAt } = found.session;
    if (expiresAt <= this.#deps.now()) return undefined;
    return personFrom(found.user, { kind: 'web-session', id, expiresAt }, this.#deps.roles);
  }

  /** Ends one, or all of a person's, on every replica; returns when the rows say so. */
  async end(which: { id: string } | { userId: string }): Promise<string[]> {
    const ids = await endWebSessions(this.#deps.db, which, this.#deps.now());
    for (const id of ids) await this.#deps.notifications.announce(this.#deps.db, 'web-session', id);
    return ids;
  }

  #keep(key: string, found: Found): void {
    if (this.#cache.size >= CACHE_SIZE) this.#cache.delete(this.#cache.keys().next().value!);
    this.#cache.set(key, found);
  }

  #forget(which: (cached: Found) => boolean): void {
    this.#forgotten++;
    for (const [key, cached] of this.#cache) if (which(cached)) this.#cache.delete(key);
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops) stop();
  }
}
