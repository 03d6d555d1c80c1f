/** Roles: GET /roles for everybody, PUT and DELETE for administrators. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Role as RoleRecord, Actor } from '../../access/roles.ts';
import { personOf, personWith } from '../env.ts';
import { actorOf } from '../actor.ts';
import { newRouter, problems, type Router } from '../router.ts';
import { page, roleSchema, type Role } from '../schemas.ts';

export type RolesDeps = {
  roles: {
    list(): Promise<RoleRecord[]>;
    put(role: Role, by: Actor): Promise<RoleRecord>;
    remove(name: string, by: Actor): Promise<void>;
  };
};

const name = z.object({ name: roleSchema.shape.name });
const json = <T extends z.ZodType>(schema: T) => ({ content: { 'application/json': { schema } } });

const listRoute = createRoute({
  method: 'get',
  path: '/roles',
  summary: 'Every role',
  responses: { 200: { description: 'Roles by name', ...json(page(roleSchema)) }, ...problems(401) },
});
const putRoute = createRoute({
  method: 'put',
  path: '/roles/{name}',
  summary: 'Make or replace a role',
  request: { params: name, body: { ...json(roleSchema.omit({ name: true })), required: true } },
  responses: { 200: { description: 'The role', ...json(roleSchema) }, ...problems(400, 401, 403, 409) },
});
const deleteRoute = createRoute({
  method: 'delete',
  path: '/roles/{name}',
  summary: 'Delete a role',
  request: { params: name },
  responses: { 204: { description: 'Deleted' }, ...problems(401, 403, 404, 409) },
});

export function rolesRoutes({ roles }: RolesDeps): Router {
  const routes = newRouter();
  routes.openapi(listRoute, async (c) => {
    personOf(c, 'read');
    return c.json({ items: (await roles.list()).map(shown), next: null }, 200);
  });
  routes.openapi(putRoute, async (c) => {
    personWith(c, 'admin', 'admin');
    const role = { ...c.req.valid('json'), name: c.req.valid('param').name };
    return c.json(shown(await roles.put(role, actorOf(c))), 200);
  });
  routes.openapi(deleteRoute, async (c) => {
    personWith(c, 'admin', 'admin');
    await roles.remove(c.req.valid('param').name, actorOf(c));
    return c.body(null, 204);
  });
  return routes;
}

/** The fields that are shown, unchecked: a row that an operator wrote outside of the bounds must not hide the others. */
function shown(role: RoleRecord): Role {
  const { updatedAt: _, ...fields } = role;
  return fields;
}
