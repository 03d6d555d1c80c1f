/** Signing in through the real pages and the real provider, as a browser does, without one. */
import type { Demonstrator } from './idp/people.ts';
import type { RoundTrip } from './round-trip.ts';

const CALLBACK = /\/api\/auth\/callback\/oidc/;

/** Leaves the browser signed in at the portal; returns the code that the provider answered with. */
export async function signInAtProvider(
  browser: RoundTrip,
  portal: string,
  { email, password }: Demonstrator,
): Promise<{ code: string }> {
  const { csrfToken } = JSON.parse((await browser.go(`${portal}/api/auth/csrf`)).body) as { csrfToken: string };
  const asked = { csrfToken, callbackUrl: '/clusters', json: 'true' };
  const { url } = JSON.parse((await browser.go(`${portal}/api/auth/signin/oidc`, asked)).body) as { url: string };
  const form = (await browser.go(url)).location!;
  const action = /action="([^"]+)"/.exec((await browser.go(form)).body)![1]!;
  const answer = await browser.go(new URL(action, form).href, { email, password });
  const { next } = await browser.follow(answer, CALLBACK);
  await browser.go(next!);
  return { code: new URL(next!).searchParams.get('code')! };
}
