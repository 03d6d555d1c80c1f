/**
 * The authorization server's own endpoints, outside of /api/v1 since no cookie and no token counts at them: metadata
 * (RFC 8414), token (RFC 6749, RFC 7636, RFC 8693), device authorization (RFC 8628), revocation (RFC 7009). Forms in,
 * JSON out.
 */
import type { Context } from 'hono';
import type { CliToken } from '../../auth/cli-tokens.ts';
import { addressKey } from '../../auth/rate-limit.ts';
import {
  CLI_CLIENT,
  cliScopes,
  deviceName,
  DEVICE_CODE_MS,
  isVerifier,
  POLL_SECONDS,
  showUserCode,
} from '../../domain/cli-sign-in.ts';
import { OauthError } from '../../domain/oauth-error.ts';
import type { Scope } from '../../domain/person.ts';
import { TOKEN_EXCHANGE } from '../../domain/token-exchange.ts';
import type { Caller } from '../../sessions/parts.ts';
import { callerOf } from '../actor.ts';
import type { HttpEnv } from '../env.ts';
import { asProblem } from '../problems.ts';
import { newRouter, type Router } from '../router.ts';

export type OauthDeps = {
  origin: string;
  approvals: {
    beginDevice(
      wish: { deviceName: string; scopes: Scope[] },
      address: string,
    ): Promise<{ deviceCode: string; userCode: string }>;
  };
  tokens: {
    redeemCode(proof: { code: string; verifier: string; redirectUri: string }, caller: Caller): Promise<CliToken>;
    redeemDevice(deviceCode: string, caller: Caller): Promise<CliToken>;
    revoke(token: string, caller: Caller): Promise<void>;
  };
  /** For jobs of CI, which are no client: what they bring says who they are. */
  exchange(form: ReadonlyMap<string, string>, caller: Caller): Promise<object>;
  /** By address: who asks here is nobody yet. */
  rate: { pass(key: string): Promise<void> };
  now: () => Date;
  log: { error(what: object, words: string): void };
};

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
/** Bytes; a job's id token takes two or three thousand, every other form a few hundred. */
const MOST_BODY = 8 * 1024;

type Form = Map<string, string>;

export function oauthRoutes(deps: OauthDeps): Router {
  const { origin, approvals, tokens, now } = deps;
  const routes = newRouter();

  routes.get('/.well-known/oauth-authorization-server', (c) =>
    c.json({
      issuer: origin,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/oauth/token`,
      device_authorization_endpoint: `${origin}/oauth/device_authorization`,
      revocation_endpoint: `${origin}/oauth/revoke`,
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      grant_types_supported: ['authorization_code', DEVICE_GRANT, TOKEN_EXCHANGE],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none'],
      revocation_endpoint_auth_methods_supported: ['none'],
      scopes_supported: ['read', 'sessions'],
      authorization_response_iss_parameter_supported: true,
    }),
  );

  const post = (path: string, answer: (form: Form, caller: Caller) => Promise<object | null>) =>
    routes.post(path, async (c) => {
      const caller = callerOf(c);
      c.header('cache-control', 'no-store');
      try {
        await deps.rate.pass(addressKey(caller.clientAddress));
        const form = await formOf(c);
        const isJob = path === '/oauth/token' && form.get('grant_type') === TOKEN_EXCHANGE && !form.has('client_id');
        if (!isJob && form.get('client_id') !== CLI_CLIENT.id)
          throw new OauthError('invalid_client', `The only client here is ${CLI_CLIENT.id}.`, { status: 401 });
        const body = await answer(form, caller);
        return body === null ? c.body(null, 200) : c.json(body);
      } catch (error) {
        return refused(c, error, deps.log);
      }
    });

  post('/oauth/device_authorization', async (form, { clientAddress }) => {
    const scopes = cliScopes(form.get('scope'));
    if (!scopes) throw new OauthError('invalid_scope', 'The scopes of a command line are read and sessions.');
    const name = deviceName(form.get('device_name'));
    if (!name) throw new OauthError('invalid_request', 'device_name is one line of 1 to 64 characters.');
    const { deviceCode, userCode } = await approvals.beginDevice({ deviceName: name, scopes }, clientAddress);
    return {
      device_code: deviceCode,
      user_code: showUserCode(userCode),
      // No verification_uri_complete: a link that brings its code along is what phishing sends.
      verification_uri: `${origin}/device`,
      expires_in: DEVICE_CODE_MS / 1_000,
      interval: POLL_SECONDS,
    };
  });

  post('/oauth/token', async (form, caller) => {
    if (form.get('grant_type') === TOKEN_EXCHANGE) return deps.exchange(form, caller);
    const redeemed = async () => {
      switch (form.get('grant_type')) {
        case 'authorization_code': {
          const verifier = needed(form, 'code_verifier');
          if (!isVerifier(verifier))
            throw new OauthError('invalid_request', 'The code_verifier is none (RFC 7636 4.1).');
          const proof = { code: needed(form, 'code'), verifier, redirectUri: needed(form, 'redirect_uri') };
          return tokens.redeemCode(proof, caller);
        }
        case DEVICE_GRANT:
          return tokens.redeemDevice(needed(form, 'device_code'), caller);
        default:
          throw new OauthError('unsupported_grant_type', `This grant_type is not offered here.`);
      }
    };
    const { token, scopes, expiresAt } = await redeemed();
    const expires_in = Math.floor((expiresAt.getTime() - now().getTime()) / 1_000);
    return { access_token: token, token_type: 'Bearer', expires_in, scope: scopes.join(' ') };
  });

  post('/oauth/revoke', async (form, caller) => {
    await tokens.revoke(needed(form, 'token'), caller);
    return null;
  });
  return routes;
}

/** RFC 6749 3.2: a form, in which nothing is said twice. Throws OauthError `invalid_request`. */
async function formOf(c: Context<HttpEnv>): Promise<Form> {
  const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded')
    throw new OauthError('invalid_request', 'This takes a form (application/x-www-form-urlencoded).');
  const length = Number(c.req.header('content-length') ?? Number.NaN);
  if (c.req.header('transfer-encoding') !== undefined || !(length <= MOST_BODY))
    throw new OauthError('invalid_request', `A body says its length, of ${MOST_BODY} bytes at most.`, { status: 413 });
  const form: Form = new Map();
  for (const [name, value] of new URLSearchParams(await c.req.text())) {
    if (form.has(name)) throw new OauthError('invalid_request', 'A parameter is there twice.');
    // An empty one counts as left out.
    if (value !== '') form.set(name, value);
  }
  return form;
}

function needed(form: Form, name: string): string {
  const value = form.get(name);
  if (value === undefined) throw new OauthError('invalid_request', `${name} is missing.`);
  return value;
}

function refused(c: Context<HttpEnv>, error: unknown, log: OauthDeps['log']): Response {
  const { code, status, words, retryAfter } = told(error);
  if (status >= 500) log.error({ correlationId: c.get('correlationId'), err: error }, 'a request for a token failed');
  if (retryAfter !== undefined) c.header('retry-after', String(retryAfter));
  // What is left of a body that nobody read must not be taken for the next request.
  if (status === 413) c.header('connection', 'close');
  return c.json({ error: code, error_description: words, correlation_id: c.get('correlationId') }, status as 400);
}

function told(error: unknown) {
  if (error instanceof OauthError)
    return { code: error.error, status: error.status, words: error.message, retryAfter: error.retryAfter };
  const problem = asProblem(error);
  const code =
    problem.status === 429 || problem.status === 503
      ? 'temporarily_unavailable'
      : problem.status < 500
        ? 'invalid_request'
        : 'server_error';
  const wait = problem.meta['retryAfterSeconds'];
  const words = problem.next ? `${problem.message} ${problem.next}` : problem.message;
  return { code, status: problem.status, words, retryAfter: wait === undefined ? undefined : Number(wait) };
}
