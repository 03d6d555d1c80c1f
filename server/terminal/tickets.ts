/**
 * Tickets for browser sockets. A WebSocket carries the cookie whoever opened it; the ticket, which only a page of ours
 * can have asked for, shows that this page did. Single use, short-lived, bound to session, person and web session.
 */
import { randomBytes } from 'node:crypto';

/** A page uses its ticket at once; half a minute covers a slow network. */
const LIFE_MS = 30_000;
/** More unused tickets than one person's pages ask for in half a minute; their own oldest goes first. */
const MOST = 100;

type Bound = { session: string; user: string; webSession: string };

export class Tickets {
  readonly #now: () => Date;
  readonly #unused = new Map<string, Bound & { expiresAt: number }>();
  /** Those by person, in order of issue. */
  readonly #ofUser = new Map<string, Set<string>>();

  constructor(now: () => Date) {
    this.#now = now;
  }

  issue(bound: Bound): { ticket: string; expiresAt: Date } {
    const now = this.#now().getTime();
    for (const [ticket, { expiresAt }] of this.#unused) {
      // in order of issue, which is the order of expiry
      if (expiresAt > now) break;
      this.#forget(ticket);
    }
    const own = this.#ofUser.get(bound.user) ?? new Set();
    if (own.size >= MOST) this.#forget(own.values().next().value!);
    const ticket = randomBytes(32).toString('base64url');
    const expiresAt = now + LIFE_MS;
    this.#unused.set(ticket, { ...bound, expiresAt });
    this.#ofUser.set(bound.user, own.add(ticket));
    return { ticket, expiresAt: new Date(expiresAt) };
  }

  /** Whether the ticket is good for exactly this; it is used up either way. */
  redeem(ticket: string, bound: Bound): boolean {
    const found = this.#unused.get(ticket);
    this.#forget(ticket);
    return (
      found !== undefined &&
      found.expiresAt > this.#now().getTime() &&
      found.session === bound.session &&
      found.user === bound.user &&
      found.webSession === bound.webSession
    );
  }
  #forget(ticket: string): void {
    const user = this.#unused.get(ticket)?.user;
    this.#unused.delete(ticket);
    if (user === undefined) return;
    const own = this.#ofUser.get(user);
    own?.delete(ticket);
    if (own?.size === 0) this.#ofUser.delete(user);
  }
}
