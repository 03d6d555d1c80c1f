/**
 * A person whom nobody knows goes from any page straight to the door: otherwise the page would be drawn, ask the
 * portal for its parts, be refused each of them, and only then leave.
 */
import type { IncomingMessage } from 'node:http';

/** Everything but the door itself, next-auth's round trip, REST and what pages are made of. */
const PAGE = /^\/(?!(?:sign-in|api|_next)(?:[/?]|$))/;

/** Whether a browser was sent here to show a page: not a script, not a part of a page. */
export function visitsPage({ method, url, headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): boolean {
  return method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && PAGE.test(url ?? '/');
}

/** The door's address for a visit of `url`; `ended` where the browser still holds a sign-in that is over. */
export function doorFor(url: string, ended: boolean): string {
  const search = new URLSearchParams();
  if (url !== '/') search.set('return', url);
  if (ended) search.set('reason', 'expired');
  return `/sign-in${search.size > 0 ? `?${search}` : ''}`;
}
