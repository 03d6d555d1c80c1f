/** Who makes a request: by API token where one is sent, by the session cookie otherwise. */
import type { Person } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import type { ApiTokens } from './api-tokens.ts';
import { readCookie } from '../domain/cookie-header.ts';
import type { WebSessions } from './web-sessions.ts';

export type IdentifyDeps = {
  cookieName: string;
  webSessions: Pick<WebSessions, 'find'>;
  apiTokens: Pick<ApiTokens, 'find'>;
};

/**
 * An Authorization header decides alone: with a bad token the cookie beside it is not tried, so that nobody acts as
 * somebody else than they say. Throws Problem `token-invalid`.
 */
export function identifier(deps: IdentifyDeps) {
  return async (proof: {
    authorization?: string | undefined;
    cookie?: string | undefined;
  }): Promise<Person | undefined> => {
    if (proof.authorization !== undefined) {
      const match = /^Bearer ([^\s]{1,512})$/i.exec(proof.authorization);
      if (!match)
        throw new Problem('token-invalid', 401, 'The Authorization header holds no bearer token.', {
          next: 'Send "Authorization: Bearer sp_…".',
        });
      return deps.apiTokens.find(match[1]!);
    }
    const token = readCookie(proof.cookie, deps.cookieName);
    return token === undefined ? undefined : deps.webSessions.find(token);
  };
}
