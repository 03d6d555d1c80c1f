/** Service users, for administrators and for those who answer for one: GET, POST /service-users, and their tokens. */
import { createRoute, z } from '@hono/zod-openapi';
import type { ApiTokenRow } from '../../../db/queries/api-tokens.ts';
import type { UserRow } from '../../../db/queries/users.ts';
import type { Source } from '../../auth/api-tokens.ts';
import type { Person, Scope } from '../../domain/person.ts';
import { actorOf } from '../actor.ts';
import { personOf, personWith } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';
import {
  apiTokenSchema,
  createdTokenSchema,
  createServiceUserSchema,
  createTokenSchema,
  page,
  userSchema,
} from '../schemas.ts';
import { shownToken, signedIn } from './tokens.ts';
import { shownUsers } from './users.ts';

export type ServiceUsersDeps = {
  serviceUsers: {
    create(wish: { name: string; groups: string[]; owner: string }, by: Source): Promise<UserRow>;
    owned(person: Person): Promise<UserRow[]>;
    reach(id: string, person: Person): Promise<UserRow>;
    ownersOf(users: UserRow[]): Promise<Pick<UserRow, 'id' | 'name' | 'email'>[]>;
    tokens(id: string, person: Person): Promise<ApiTokenRow[]>;
    createToken(
      id: string,
      wish: { name: string; scopes: Scope[]; days: number },
      person: Person,
      by: Source,
    ): Promise<{ row: ApiTokenRow; token: string }>;
    revokeToken(id: string, token: string, person: Person, by: Source): Promise<void>;
  };
  roles: { namesOf(person: { groups: string[] }): Promise<string[]> };
};

const json = <T extends z.ZodType>(schema: T) => ({ content: { 'application/json': { schema } } });
const params = z.object({ id: z.uuid() });

const ownedRoute = createRoute({
  method: 'get',
  path: '/service-users',
  summary: 'The service users that you own; administrators see all in /users',
  responses: { 200: { description: 'Service users by slug', ...json(page(userSchema)) }, ...problems(401, 403) },
});
const oneRoute = createRoute({
  method: 'get',
  path: '/service-users/{id}',
  summary: 'A service user; for administrators and its owner',
  request: { params },
  responses: { 200: { description: 'The user', ...json(userSchema) }, ...problems(401, 403, 404) },
});
const createServiceUserRoute = createRoute({
  method: 'post',
  path: '/service-users',
  summary: 'Make a service user: for programs, without a sign-in',
  request: { body: { ...json(createServiceUserSchema), required: true } },
  responses: { 201: { description: 'The user', ...json(userSchema) }, ...problems(400, 401, 403, 409) },
});
const listTokensRoute = createRoute({
  method: 'get',
  path: '/service-users/{id}/tokens',
  summary: 'Its API tokens, newest first; for administrators and its owner',
  request: { params },
  responses: { 200: { description: 'Tokens', ...json(page(apiTokenSchema)) }, ...problems(401, 403, 404) },
});
const createTokenRoute = createRoute({
  method: 'post',
  path: '/service-users/{id}/tokens',
  summary: 'Make an API token of it; its secret is shown this once',
  request: { params, body: { ...json(createTokenSchema), required: true } },
  responses: { 201: { description: 'The token', ...json(createdTokenSchema) }, ...problems(400, 401, 403, 404, 409) },
});
const revokeTokenRoute = createRoute({
  method: 'delete',
  path: '/service-users/{id}/tokens/{token}',
  summary: 'Revoke one of its API tokens',
  request: { params: params.extend({ token: z.uuid() }) },
  responses: { 204: { description: 'Revoked' }, ...problems(401, 403, 404) },
});

export function serviceUsersRoutes({ serviceUsers, roles }: ServiceUsersDeps): Router {
  const routes = newRouter();
  const shown = (users: UserRow[]) => shownUsers({ roles, ownersOf: (of) => serviceUsers.ownersOf(of) }, users);
  routes.openapi(ownedRoute, async (c) => {
    const items = await shown(await serviceUsers.owned(personOf(c, 'read')));
    return c.json({ items, next: null }, 200);
  });
  routes.openapi(oneRoute, async (c) => {
    const [user] = await shown([await serviceUsers.reach(c.req.valid('param').id, personOf(c, 'read'))]);
    return c.json(user!, 200);
  });
  routes.openapi(createServiceUserRoute, async (c) => {
    personWith(c, 'admin', 'admin');
    const [user] = await shown([await serviceUsers.create(c.req.valid('json'), actorOf(c))]);
    return c.json(user!, 201);
  });
  routes.openapi(listTokensRoute, async (c) => {
    const items = (await serviceUsers.tokens(c.req.valid('param').id, personOf(c, 'read'))).map(shownToken);
    return c.json({ items, next: null }, 200);
  });
  routes.openapi(createTokenRoute, async (c) => {
    const { id } = c.req.valid('param');
    const { row, token } = await serviceUsers.createToken(id, c.req.valid('json'), signedIn(c), actorOf(c));
    return c.json({ ...shownToken(row), token }, 201);
  });
  routes.openapi(revokeTokenRoute, async (c) => {
    const { id, token } = c.req.valid('param');
    await serviceUsers.revokeToken(id, token, signedIn(c), actorOf(c));
    return c.body(null, 204);
  });
  return routes;
}
