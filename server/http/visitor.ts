/** The few routes that a browser itself visits, on its way to an origin of the proxy domain. */
import type { Context } from 'hono';
import type { Person } from '../domain/person.ts';
import { doorFor } from './door.ts';
import type { HttpEnv } from './env.ts';

/** Who is signed in in that browser; null: nobody. An API token is no browser. */
export function visitorOf(c: Context<HttpEnv>): (Person & { proof: { kind: 'web-session' } }) | null {
  const person = c.get('person');
  return person?.proof.kind === 'web-session' ? { ...person, proof: person.proof } : null;
}

/** To the sign-in page, which comes back. */
export function toSignIn(c: Context<HttpEnv>): Response & { status: 303 } {
  const { pathname, search } = new URL(c.req.url);
  return c.redirect(doorFor(pathname + search, false), 303) as Response & { status: 303 };
}
