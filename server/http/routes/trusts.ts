/** Trusts of a service user in issuers of id tokens: GET, POST /service-users/{id}/trusts, DELETE …/{trust}. */
import { createRoute, z } from '@hono/zod-openapi';
import type { TrustRow } from '../../../db/queries/trusts.ts';
import type { UserRow } from '../../../db/queries/users.ts';
import type { Source } from '../../auth/api-tokens.ts';
import type { TrustWish } from '../../auth/trusts.ts';
import type { Person } from '../../domain/person.ts';
import { actorOf } from '../actor.ts';
import { personOf, personWith } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';
import { createTrustSchema, page, trustSchema, type Trust } from '../schemas.ts';

export type TrustsDeps = {
  serviceUsers: { reach(id: string, person: Person): Promise<UserRow> };
  trusts: {
    list(userId: string): Promise<TrustRow[]>;
    create(user: UserRow, wish: TrustWish, by: Source): Promise<TrustRow>;
    remove(user: UserRow, id: string, by: Source): Promise<void>;
  };
};

const json = <T extends z.ZodType>(schema: T) => ({ content: { 'application/json': { schema } } });
const params = z.object({ id: z.uuid() });

const listRoute = createRoute({
  method: 'get',
  path: '/service-users/{id}/trusts',
  summary: 'Whose id tokens are exchanged for tokens of this service user; for administrators and its owner',
  request: { params },
  responses: { 200: { description: 'Trusts by name', ...json(page(trustSchema)) }, ...problems(401, 403, 404) },
});
const createTrustRoute = createRoute({
  method: 'post',
  path: '/service-users/{id}/trusts',
  summary: 'Trust an issuer’s id tokens with these claims; the issuer is asked for its keys',
  request: { params, body: { ...json(createTrustSchema), required: true } },
  responses: {
    201: { description: 'The trust', ...json(trustSchema) },
    ...problems(400, 401, 403, 404, 409, 422, 502),
  },
});
const removeRoute = createRoute({
  method: 'delete',
  path: '/service-users/{id}/trusts/{trust}',
  summary: 'Remove a trust, and revoke the tokens that it gave',
  request: { params: params.extend({ trust: z.uuid() }) },
  responses: { 204: { description: 'Removed' }, ...problems(401, 403, 404) },
});

export function trustsRoutes({ serviceUsers, trusts }: TrustsDeps): Router {
  const routes = newRouter();
  routes.openapi(listRoute, async (c) => {
    const user = await serviceUsers.reach(c.req.valid('param').id, personOf(c, 'read'));
    return c.json({ items: (await trusts.list(user.id)).map(shown), next: null }, 200);
  });
  routes.openapi(createTrustRoute, async (c) => {
    const user = await serviceUsers.reach(c.req.valid('param').id, personWith(c, 'admin', 'admin'));
    return c.json(shown(await trusts.create(user, c.req.valid('json'), actorOf(c))), 201);
  });
  routes.openapi(removeRoute, async (c) => {
    const { id, trust } = c.req.valid('param');
    const user = await serviceUsers.reach(id, personWith(c, 'admin', 'admin'));
    await trusts.remove(user, trust, actorOf(c));
    return c.body(null, 204);
  });
  return routes;
}

function shown(row: TrustRow): Trust {
  const { id, name, issuer, audience, ownerClaim, ownerValue, conditions, scopes, lifetimeMs, createdAt } = row;
  return {
    id,
    name,
    issuer,
    audience,
    owner: { claim: ownerClaim, value: ownerValue },
    conditions,
    scopes: scopes as Trust['scopes'],
    lifetimeMs,
    createdAt: createdAt.toISOString(),
  };
}
