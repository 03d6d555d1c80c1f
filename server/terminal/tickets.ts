/**
 * Tickets for browser sockets. A WebSocket carries the cookie whoever opened it; the ticket, which only a page of ours
 * can have asked for, shows that this page did. Single use, short-lived, bound to session, person and web session.
 */
import { randomBytes } from 'node:crypto';

/** A page uses its ticket at once; half a minute covers a slow network. */
const LIFE_MS = 30_000;
/** More unused tickets than any number of pages asks for in half a minute; the oldest goes first. */
const MOST = 10_000;

type Bound = { session: string; user: string; webSession: string };

export class Tickets {
  readonly #now: () => Date;
  readonly #unused = new Map<string, Bound & { expiresAt: number }>();

  constructor(now: () => Date) {
    this.#now = now;
  }

  issue(bound: Bound): { ticket: string; expiresAt: Date } {
    const now = this.#now().getTime();
    for (const [ticket, { expiresAt }] of this.#unused) {
      // in order of issue, which is the order of expiry
      if (expiresAt > now && this.#unused.size < MOST) break;
      this.#unused.delete(ticket);
    }
    const ticket = randomBytes(32).toString('base64url');
    const expiresAt = now + LIFE_MS;
    this.#unused.set(ticket, { ...bound, expiresAt });
    return { ticket, expiresAt: new Date(expiresAt) };
  }

  /** Whether the ticket is good for exactly this; it is used up either way. */
  redeem(ticket: string, bound: Bound): boolean {
    const found = this.#unused.get(ticket);
    this.#unused.delete(ticket);
    return (
      found !== undefined &&
      found.expiresAt > this.#now().getTime() &&
      found.session === bound.session &&
      found.user === bound.user &&
      found.webSession === bound.webSession
    );
  }
}
