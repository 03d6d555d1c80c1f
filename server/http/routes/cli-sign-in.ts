/** What the pages /authorize and /device ask and say: a signed-in person allows or denies a command line. */
import { createRoute, type z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { AuthorizationRequest } from '../../auth/cli-approvals.ts';
import type { Source } from '../../auth/api-tokens.ts';
import {
  CLI_CLIENT,
  CLI_TOKEN_DAYS,
  cliScopes,
  deviceName,
  isChallenge,
  isLoopbackRedirect,
} from '../../domain/cli-sign-in.ts';
import type { OauthErrorCode } from '../../domain/oauth-error.ts';
import type { Person } from '../../domain/person.ts';
import { Problem } from '../../domain/problem.ts';
import { actorOf } from '../actor.ts';
import { personSignedIn, type HttpEnv } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';
import {
  authorizationQuerySchema,
  authorizationSchema,
  cliRequestSchema,
  decideAuthorizationSchema,
  decideDeviceSchema,
  lookUpDeviceSchema,
  redirectSchema,
  type AuthorizationQuery,
  type CliRequest,
} from '../schemas.ts';

type Waiting = { deviceName: string; scopes: string[]; clientAddress: string; createdAt: Date };

export type CliSignInDeps = {
  /** `https://portal.example`, which is the issuer too. */
  origin: string;
  approvals: {
    approve(person: Person, request: AuthorizationRequest, by: Source): Promise<string>;
    deny(request: AuthorizationRequest, by: Source): Promise<void>;
    lookUp(userCode: string, person: Person, address: string): Promise<Waiting>;
    decide(userCode: string, approved: boolean, person: Person, by: Source): Promise<void>;
  };
};

const json = <T extends z.ZodType>(schema: T) => ({ content: { 'application/json': { schema } } });

const askRoute = createRoute({
  method: 'get',
  path: '/cli/authorization',
  summary: 'Who asks for an authorization code, before you allow it',
  request: { query: authorizationQuerySchema },
  responses: { 200: { description: 'Who asks', ...json(authorizationSchema) }, ...problems(400, 401, 403) },
});
const decideRoute = createRoute({
  method: 'post',
  path: '/cli/authorization',
  summary: 'Allow or deny a command line on this machine; the answer is where the browser goes',
  request: { body: { ...json(decideAuthorizationSchema), required: true } },
  responses: { 200: { description: 'Where to go', ...json(redirectSchema) }, ...problems(400, 401, 403) },
});
const lookUpRoute = createRoute({
  method: 'post',
  path: '/cli/device/look-up',
  summary: 'Which device shows this code',
  request: { body: { ...json(lookUpDeviceSchema), required: true } },
  responses: { 200: { description: 'The device', ...json(cliRequestSchema) }, ...problems(400, 401, 403, 404, 429) },
});
const decideDeviceRoute = createRoute({
  method: 'post',
  path: '/cli/device',
  summary: 'Allow or deny the device that shows this code',
  request: { body: { ...json(decideDeviceSchema), required: true } },
  responses: { 204: { description: 'Done' }, ...problems(400, 401, 403, 404, 429) },
});

export function cliSignInRoutes({ origin, approvals }: CliSignInDeps): Router {
  const routes = newRouter();
  routes.openapi(askRoute, (c) => {
    signedIn(c);
    const read = readQuery(c.req.valid('query'), origin);
    if ('redirect' in read) return c.json({ request: null, redirect: read.redirect }, 200);
    return c.json({ request: shown(read.request, null), redirect: null }, 200);
  });
  routes.openapi(decideRoute, async (c) => {
    const person = signedIn(c);
    const { query, decision } = c.req.valid('json');
    const read = readQuery(query, origin);
    if ('redirect' in read) return c.json({ redirect: read.redirect }, 200);
    const { request, answer } = read;
    if (decision === 'approve')
      return c.json({ redirect: answer({ code: await approvals.approve(person, request, actorOf(c)) }) }, 200);
    await approvals.deny(request, actorOf(c));
    return c.json({ redirect: answer(refusal('access_denied', 'The person said no.')) }, 200);
  });
  routes.openapi(lookUpRoute, async (c) => {
    const person = signedIn(c);
    const found = await approvals.lookUp(c.req.valid('json').userCode, person, c.get('clientAddress'));
    return c.json(shown(found, found), 200);
  });
  routes.openapi(decideDeviceRoute, async (c) => {
    const person = signedIn(c);
    const { userCode, decision } = c.req.valid('json');
    await approvals.decide(userCode, decision === 'approve', person, actorOf(c));
    return c.body(null, 204);
  });
  return routes;
}

/** A token cannot allow further ones: whoever steals one would outlive its revocation. */
function signedIn(c: Context<HttpEnv>): Person {
  const words = 'A command line is allowed from a sign-in, not by a token.';
  return personSignedIn(c, words, 'Open the address in a browser.');
}

const refusal = (error: OauthErrorCode, words: string) => ({ error, error_description: words });

/**
 * RFC 6749 4.1.2.1: what is wrong with the client or its address is said here, and goes nowhere; everything else goes
 * to the program, which waits. Throws Problem `cli-request-invalid`.
 */
function readQuery(
  query: AuthorizationQuery,
  issuer: string,
): { redirect: string } | { request: AuthorizationRequest; answer: (parameters: Record<string, string>) => string } {
  const redirectUri = query.redirect_uri ?? '';
  if (query.client_id !== CLI_CLIENT.id || !isLoopbackRedirect(redirectUri))
    throw new Problem(
      'cli-request-invalid',
      400,
      'This link is not one of the Sallyport command line: its client or return address is another.',
      { next: 'If you started “sallyport login”, start it again; otherwise close this page.' },
    );
  const answer = (parameters: Record<string, string>): string => {
    const url = new URL(redirectUri);
    // `iss` tells the program whose answer it is: RFC 9207.
    const all = { ...parameters, ...(query.state === undefined ? {} : { state: query.state }), iss: issuer };
    for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value);
    return url.href;
  };
  const refused = (error: OauthErrorCode, words: string) => ({ redirect: answer(refusal(error, words)) });
  if (query.response_type !== 'code')
    return refused('unsupported_response_type', 'The only response_type here is code.');
  if (query.code_challenge_method !== 'S256' || !isChallenge(query.code_challenge ?? ''))
    return refused('invalid_request', 'PKCE with S256 is needed (RFC 7636).');
  const scopes = cliScopes(query.scope);
  if (!scopes) return refused('invalid_scope', 'The scopes of a command line are read and sessions.');
  const name = deviceName(query.device_name);
  if (!name) return refused('invalid_request', 'device_name is one line of 1 to 64 characters.');
  return { request: { redirectUri, codeChallenge: query.code_challenge!, scopes, deviceName: name }, answer };
}

function shown(
  { deviceName: device, scopes }: { deviceName: string; scopes: string[] },
  waiting: Pick<Waiting, 'clientAddress' | 'createdAt'> | null,
): CliRequest {
  return {
    client: CLI_CLIENT.name,
    device,
    scopes: scopes as CliRequest['scopes'],
    hours: CLI_TOKEN_DAYS * 24,
    address: waiting?.clientAddress ?? null,
    askedAt: waiting?.createdAt.toISOString() ?? null,
  };
}
