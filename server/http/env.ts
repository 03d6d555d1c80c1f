/** What every route finds on its request, and the two checks that most of them start with. */
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Person, PortalRole, Scope } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';

export type HttpEnv = {
  /** Node's own request and response, for bodies that stream. */
  Bindings: HttpBindings;
  Variables: {
    /** Absent on the few routes that need no sign-in; use {@link personOf}. */
    person: Person | undefined;
    /** Aborted when the sign-in or token of the request ends; set with the person. */
    proofEnds: AbortSignal;
    correlationId: string;
    /** After trusted proxies only. */
    clientAddress: string;
  };
};

/** Throws Problem `not-signed-in`, or `token-scope` where an API token lacks the scope. */
export function personOf(c: Context<HttpEnv>, scope: Scope): Person {
  const person = c.get('person');
  if (!person)
    throw new Problem('not-signed-in', 401, 'This needs a sign-in.', { next: 'Sign in, or send an API token.' });
  if (person.proof.kind === 'api-token' && !person.proof.scopes.includes(scope))
    throw new Problem('token-scope', 403, `This API token lacks the scope "${scope}".`, {
      next: 'Make a token with that scope.',
    });
  return person;
}

/**
 * For what a token may not do, whatever its scopes. Throws as {@link personOf}, and Problem `needs-sign-in` with the
 * words given.
 */
export function personSignedIn(c: Context<HttpEnv>, words: string, next: string): Person {
  const person = personOf(c, 'read');
  if (person.proof.kind === 'web-session') return person;
  throw new Problem('needs-sign-in', 403, words, { next });
}

/** Throws as {@link personOf}, and Problem `forbidden` where the person has none of the portal roles. */
export function personWith(c: Context<HttpEnv>, scope: Scope, ...roles: PortalRole[]): Person {
  const person = personOf(c, scope);
  if (!roles.includes(person.portal))
    throw new Problem(
      'forbidden',
      403,
      `This needs the portal role ${roles.join(' or ')}; you have ${person.portal}.`,
      {
        next: 'Ask an administrator.',
      },
    );
  return person;
}
