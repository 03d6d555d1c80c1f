/**
 * One request of a sign-in. next-auth is called the way a pages route calls it, since only so can what it is given be
 * cleaned first: a malformed cookie or parameter must not become an error page, and no query may reach the provider.
 */
import NextAuth from 'next-auth';
import type { NextApiRequest, NextApiResponse } from 'next';
import type { NextRequest } from 'next/server';
import { authOptions, callbackUrlCookie } from './options.ts';
import { readSettings, Refused } from './portal.ts';
import { returnAddress } from './return-address.ts';

/** All that a sign-in needs of next-auth. Its session, sign-out and provider pages are not offered. */
const OFFERED = [
  /^GET csrf$/,
  /^GET callback\/(oidc|github)$/,
  /^POST signin\/(oidc|github)$/,
  /^POST callback\/credentials$/,
];

export async function handleSignIn(request: NextRequest, form: Record<string, string>): Promise<Response> {
  const path = request.nextUrl.pathname.split('/').slice(3);
  if (!OFFERED.some((offered) => offered.test(`${request.method} ${path.join('/')}`)))
    return new Response('There is nothing at this address.\n', { status: 404 });
  const origin = new URL(process.env['NEXTAUTH_URL']!).origin;
  const settings = await readSettings();
  let refusal: unknown;
  const options = authOptions(settings, request.headers.get('x-sallyport-sign-in') ?? '', (error) => (refusal = error));

  const cookies = Object.fromEntries(request.cookies.getAll().map(({ name, value }) => [name, value]));
  const cookieName = callbackUrlCookie(settings.instance);
  if (cookies[cookieName] !== undefined) cookies[cookieName] = origin + returnAddress(cookies[cookieName], origin);
  const isCallback = path[0] === 'callback';
  const query = isCallback ? Object.fromEntries(request.nextUrl.searchParams) : {};
  delete query['callbackUrl'];
  const body = { ...form };
  if (body['callbackUrl'] !== undefined) body['callbackUrl'] = origin + returnAddress(body['callbackUrl'], origin);

  const answer = new Answer();
  await NextAuth(
    {
      method: request.method,
      headers: Object.fromEntries(request.headers),
      cookies,
      query: { ...query, nextauth: path },
      body,
    } as unknown as NextApiRequest,
    answer as unknown as NextApiResponse,
    options,
  );
  if (!isCallback) return answer.response();

  const failed = refusal !== undefined || answer.leadsTo('/api/auth/') || answer.leadsTo('/sign-in');
  if (!failed) return answer.response();
  const problem = describe(refusal, query['error']);
  const back = returnAddress(cookies[cookieName], origin);
  const url = `/sign-in?${new URLSearchParams({ error: problem.code, return: back })}`;
  if (body['json'] !== 'true') return answer.redirect(url);
  return Response.json(
    { ...problem, url },
    { status: problem.status, headers: { 'content-type': 'application/problem+json' } },
  );
}

function describe(refusal: unknown, providerError: string | undefined): Refused['problem'] {
  if (refusal instanceof Refused) return refusal.problem;
  const next = 'Sign in again.';
  if (refusal !== undefined)
    return { code: 'internal', status: 500, title: 'Something went wrong in the portal.', next };
  if (providerError !== undefined)
    return { code: 'sign-in-cancelled', status: 401, title: 'The identity provider ended this sign-in.', next };
  return {
    code: 'sign-in-expired',
    status: 401,
    title: 'This sign-in took too long, or began in another window.',
    next,
  };
}

/** As much of a NextApiResponse as next-auth uses. */
class Answer {
  #status = 200;
  #body: string | undefined;
  readonly #headers = new Map<string, string | string[]>();

  status(code: number): this {
    this.#status = code;
    return this;
  }

  getHeader(name: string): string | string[] | undefined {
    return this.#headers.get(name.toLowerCase());
  }

  setHeader(name: string, value: string | string[]): this {
    this.#headers.set(name.toLowerCase(), value);
    return this;
  }

  json(value: unknown): void {
    this.setHeader('content-type', 'application/json');
    this.#body = JSON.stringify(value);
  }

  send(value: unknown): void {
    if (typeof value === 'string') this.#body = value;
    else if (value !== undefined) this.json(value);
  }

  end(): void {}

  /** Whether it sends the browser to a path of ours that begins so, by header or by JSON. */
  leadsTo(path: string): boolean {
    const location =
      this.getHeader('location') ?? (this.#body?.startsWith('{"url"') ? JSON.parse(this.#body).url : undefined);
    const url = typeof location === 'string' ? URL.parse(location, 'http://self') : null;
    return url?.pathname.startsWith(path) ?? false;
  }

  redirect(location: string): Response {
    this.#status = 302;
    this.#body = undefined;
    this.setHeader('location', location);
    return this.response();
  }

  response(): Response {
    const headers = new Headers();
    for (const [name, value] of this.#headers)
      for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
    return new Response(this.#body ?? null, { status: this.#status, headers });
  }
}
