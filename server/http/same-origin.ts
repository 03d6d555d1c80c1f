/**
 * Cross-site request forgery, and cross-site WebSocket hijacking: what changes state by a cookie must come from our
 * own pages. Browsers send Origin with every POST, PUT, PATCH, DELETE and WebSocket handshake; a request with a cookie
 * and without it comes from no browser of today, and is refused.
 */
import { Problem } from '../domain/problem.ts';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

export function changesState(method: string): boolean {
  return !SAFE.has(method);
}

/** Throws Problem `cross-origin` unless the Origin header names `origin` exactly. */
export function requireSameOrigin(sent: string | undefined, origin: string): void {
  if (sent === origin) return;
  throw new Problem(
    'cross-origin',
    403,
    sent
      ? `This request comes from ${sent.slice(0, 200)}, not from the portal's own pages.`
      : 'This request names no Origin.',
    { next: `Use the portal at ${origin}, or an API token in the Authorization header.` },
  );
}
