/** One's own API tokens: GET, POST /me/tokens, DELETE /me/tokens/{id}. */
import { createRoute, z } from '@hono/zod-openapi';
import type { ApiTokenRow } from '../../../db/queries/api-tokens.ts';
import type { Source } from '../../auth/api-tokens.ts';
import type { Person, Scope } from '../../domain/person.ts';
import { actorOf } from '../actor.ts';
import { personSignedIn, type HttpEnv } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';
import { apiTokenSchema, createdTokenSchema, createTokenSchema, page, type ApiToken } from '../schemas.ts';
import type { Context } from 'hono';

export type TokensDeps = {
  apiTokens: {
    list(userId: string): Promise<ApiTokenRow[]>;
    create(
      userId: string,
      wish: { name: string; scopes: Scope[]; days: number },
      by: Source,
    ): Promise<{ row: ApiTokenRow; token: string }>;
    revoke(which: { userId: string; id: string }, by: Source): Promise<void>;
  };
};

const json = <T extends z.ZodType>(schema: T) => ({ content: { 'application/json': { schema } } });

const listRoute = createRoute({
  method: 'get',
  path: '/me/tokens',
  summary: 'Your API tokens, newest first',
  responses: { 200: { description: 'Tokens', ...json(page(apiTokenSchema)) }, ...problems(401, 403) },
});
const createTokenRoute = createRoute({
  method: 'post',
  path: '/me/tokens',
  summary: 'Make an API token; its secret is shown this once',
  request: { body: { ...json(createTokenSchema), required: true } },
  responses: { 201: { description: 'The token', ...json(createdTokenSchema) }, ...problems(400, 401, 403, 409) },
});
const revokeRoute = createRoute({
  method: 'delete',
  path: '/me/tokens/{id}',
  summary: 'Revoke one of your API tokens',
  request: { params: z.object({ id: z.uuid() }) },
  responses: { 204: { description: 'Revoked' }, ...problems(401, 403, 404) },
});

export function tokensRoutes({ apiTokens }: TokensDeps): Router {
  const routes = newRouter();
  routes.openapi(listRoute, async (c) => {
    const items = (await apiTokens.list(signedIn(c).id)).map(shownToken);
    return c.json({ items, next: null }, 200);
  });
  routes.openapi(createTokenRoute, async (c) => {
    const { row, token } = await apiTokens.create(signedIn(c).id, c.req.valid('json'), actorOf(c));
    return c.json({ ...shownToken(row), token }, 201);
  });
  routes.openapi(revokeRoute, async (c) => {
    await apiTokens.revoke({ userId: signedIn(c).id, id: c.req.valid('param').id }, actorOf(c));
    return c.body(null, 204);
  });
  return routes;
}

/** A token cannot make further ones: whoever steals one would outlive its revocation. */
export function signedIn(c: Context<HttpEnv>): Person {
  const words = 'API tokens are managed from a sign-in, not by a token.';
  return personSignedIn(c, words, 'Open your account page in the browser.');
}

export function shownToken(row: ApiTokenRow): ApiToken {
  return {
    id: row.id,
    name: row.name,
    scopes: row.scopes as Scope[],
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}
