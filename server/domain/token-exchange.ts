/** The form of a token exchange, as RFC 8693 2.1 has it: what of it counts here. Pure. */
import { OauthError } from './oauth-error.ts';
import type { Scope } from './person.ts';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const SUBJECTS = ['id_token', 'jwt'].map((type) => `urn:ietf:params:oauth:token-type:${type}`);
const SCOPES: readonly string[] = ['read', 'sessions', 'admin'] satisfies Scope[];

export type ExchangeWish = {
  subjectToken: string;
  /** All that the trust gives, where none are named. */
  scopes: Scope[] | undefined;
  /** Our own parameter: a trust by name or id, for who fits several. */
  trust: string | undefined;
};

/** @param origin the portal's, the only one that a token may be wished for. Throws OauthError. */
export function exchangeWish(form: ReadonlyMap<string, string>, origin: string): ExchangeWish {
  const subjectToken = form.get('subject_token');
  if (subjectToken === undefined) throw new OauthError('invalid_request', 'subject_token is missing.');
  if (!SUBJECTS.includes(form.get('subject_token_type') ?? ''))
    throw new OauthError('invalid_request', `subject_token_type is ${SUBJECTS.join(' or ')}.`);
  // Somebody acting for somebody else is not offered; who says so must not believe that it counted.
  if (form.has('actor_token') || form.has('actor_token_type'))
    throw new OauthError('invalid_request', 'An actor_token is not taken here.');
  if ((form.get('requested_token_type') ?? ACCESS_TOKEN) !== ACCESS_TOKEN)
    throw new OauthError('invalid_request', `The only requested_token_type is ${ACCESS_TOKEN}.`);
  for (const name of ['audience', 'resource'])
    if ((form.get(name) ?? origin).replace(/\/$/, '') !== origin)
      throw new OauthError('invalid_target', `Tokens are made for ${origin} only.`);
  const scopes = form.get('scope')?.split(' ').filter(Boolean);
  if (scopes && (scopes.length === 0 || !scopes.every(isScope)))
    throw new OauthError('invalid_scope', `The scopes are ${SCOPES.join(', ')}.`);
  return { subjectToken, scopes: scopes && ([...new Set(scopes)] as Scope[]), trust: form.get('trust') };
}

function isScope(text: string): text is Scope {
  return SCOPES.includes(text);
}
