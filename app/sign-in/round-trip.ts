/**
 * Drives next-auth's endpoints, whose own pages are not used: a form's post with the CSRF token, answered by the
 * address to go to. The session itself is made by the portal, which sets its cookie on these same answers.
 */
import { unreachable, problemOf } from '../lib/problem.ts';

type Answer = { url?: string };

async function post(path: string, fields: Record<string, string>): Promise<Answer> {
  let response: Response;
  try {
    const csrf = await fetch('/api/auth/csrf', { cache: 'no-store' });
    if (!csrf.ok) throw await problemOf(csrf);
    const { csrfToken } = (await csrf.json()) as { csrfToken: string };
    response = await fetch(path, {
      method: 'POST',
      cache: 'no-store',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...fields, csrfToken, json: 'true' }),
    });
  } catch (error) {
    if (error instanceof TypeError) throw unreachable(error);
    throw error;
  }
  if (!response.ok) throw await problemOf(response);
  try {
    return (await response.json()) as Answer;
  } catch {
    return {};
  }
}

/** The error that an answer's address names; null where it names none. */
export function errorIn(url: string | undefined, base: string): string | null {
  if (!url) return null;
  try {
    return new URL(url, base).searchParams.get('error');
  } catch {
    return null;
  }
}

/** Leaves for the provider. Throws PortalError; returns an error code where the round trip cannot start. */
export async function signInWithProvider(provider: string, returnTo: string): Promise<string | null> {
  const { url } = await post(`/api/auth/signin/${encodeURIComponent(provider)}`, { callbackUrl: returnTo });
  const error = errorIn(url, location.origin);
  if (error || !url) return error ?? 'OAuthSignin';
  location.assign(url);
  return null;
}

/** Signs in by email and password. Throws PortalError; returns an error code where it was refused. */
export async function signInLocally(email: string, password: string, returnTo: string): Promise<string | null> {
  const { url } = await post('/api/auth/callback/credentials', { email, password, callbackUrl: returnTo });
  const error = errorIn(url, location.origin);
  if (error || !url) return error ?? 'CredentialsSignin';
  location.assign(returnTo);
  return null;
}
