/** Keys by which an operator's own programs sign links: GET, POST /service-users/{id}/link-keys, DELETE …/{key}. */
import { createRoute, z } from '@hono/zod-openapi';
import type { ListedLinkKey } from '../../../db/queries/link-keys.ts';
import type { UserRow } from '../../../db/queries/users.ts';
import type { Person } from '../../domain/person.ts';
import type { LinkKeyWish } from '../../sessions/link-keys.ts';
import { type Actor, actorOf } from '../actor.ts';
import { personOf, personWith } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';
import { addLinkKeySchema, type LinkKey, linkKeySchema, page } from '../schemas.ts';

export type LinkKeysDeps = {
  serviceUsers: { reach(id: string, person: Person): Promise<UserRow> };
  linkKeys: {
    list(userId: string): Promise<ListedLinkKey[]>;
    add(user: UserRow, wish: LinkKeyWish, by: Actor): Promise<ListedLinkKey>;
    remove(user: UserRow, id: string, by: Actor): Promise<void>;
  };
  audience: string;
};

const json = <T extends z.ZodType>(schema: T) => ({ content: { 'application/json': { schema } } });
const params = z.object({ id: z.uuid() });

const listRoute = createRoute({
  method: 'get',
  path: '/service-users/{id}/link-keys',
  summary: 'Keys that sign links in this service user’s name; for administrators and its owner',
  request: { params },
  responses: { 200: { description: 'Keys by name', ...json(page(linkKeySchema)) }, ...problems(401, 403, 404) },
});
const addRoute = createRoute({
  method: 'post',
  path: '/service-users/{id}/link-keys',
  summary: 'Accept links that are signed by the owner of this public key, within these limits',
  request: { params, body: { ...json(addLinkKeySchema), required: true } },
  responses: { 201: { description: 'The key', ...json(linkKeySchema) }, ...problems(400, 401, 403, 404, 409, 422) },
});
const removeRoute = createRoute({
  method: 'delete',
  path: '/service-users/{id}/link-keys/{key}',
  summary: 'Remove a key, and end every link that it signed',
  request: { params: params.extend({ key: z.uuid() }) },
  responses: { 204: { description: 'Removed' }, ...problems(401, 403, 404) },
});

export function linkKeysRoutes({ serviceUsers, linkKeys, audience }: LinkKeysDeps): Router {
  const routes = newRouter();
  const shown = (row: ListedLinkKey): LinkKey => {
    const { id, name, algorithm, cluster, role, paths, verbs, longestMs, usesMax, createdAt } = row;
    const limits = { role, paths, verbs, longestMs, uses: usesMax };
    return { id, name, algorithm, audience, cluster, ...limits, createdAt: createdAt.toISOString() };
  };
  routes.openapi(listRoute, async (c) => {
    const user = await serviceUsers.reach(c.req.valid('param').id, personOf(c, 'read'));
    return c.json({ items: (await linkKeys.list(user.id)).map(shown), next: null }, 200);
  });
  routes.openapi(addRoute, async (c) => {
    const user = await serviceUsers.reach(c.req.valid('param').id, personWith(c, 'admin', 'admin'));
    return c.json(shown(await linkKeys.add(user, c.req.valid('json'), actorOf(c))), 201);
  });
  routes.openapi(removeRoute, async (c) => {
    const { id, key } = c.req.valid('param');
    const user = await serviceUsers.reach(id, personWith(c, 'admin', 'admin'));
    await linkKeys.remove(user, key, actorOf(c));
    return c.body(null, 204);
  });
  return routes;
}
