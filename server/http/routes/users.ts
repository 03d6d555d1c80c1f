/** People, for administrators: GET, POST /users, PATCH /users/{id}. */
import { createRoute, z } from '@hono/zod-openapi';
import type { UserRow } from '../../../db/queries/users.ts';
import type { Source, UserChange } from '../../auth/users.ts';
import { actorOf } from '../actor.ts';
import { fromCursor, toCursor } from '../cursor.ts';
import { personWith } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';
import { createUserSchema, page, updateUserSchema, userSchema, type User } from '../schemas.ts';

export type UsersDeps = {
  users: {
    list(cursor: string | undefined, limit: number): Promise<UserRow[]>;
    create(wish: { email: string; name: string; password: string; groups: string[] }, by: Source): Promise<UserRow>;
    update(id: string, change: UserChange, by: Source): Promise<UserRow>;
  };
} & ShownDeps;

type ShownDeps = {
  roles: { namesOf(person: { groups: string[] }): Promise<string[]> };
  ownersOf(users: UserRow[]): Promise<Pick<UserRow, 'id' | 'name' | 'email'>[]>;
};

/** Items of a page. */
const LIMIT = 100;

const json = <T extends z.ZodType>(schema: T) => ({ content: { 'application/json': { schema } } });

const listRoute = createRoute({
  method: 'get',
  path: '/users',
  summary: 'Everybody who ever signed in, local users, and service users',
  request: { query: z.object({ cursor: z.string().max(254).optional() }) },
  responses: { 200: { description: 'Users by slug', ...json(page(userSchema)) }, ...problems(401, 403) },
});
const createUserRoute = createRoute({
  method: 'post',
  path: '/users',
  summary: 'Make a local user',
  request: { body: { ...json(createUserSchema), required: true } },
  responses: { 201: { description: 'The user', ...json(userSchema) }, ...problems(400, 401, 403, 409) },
});
const updateRoute = createRoute({
  method: 'patch',
  path: '/users/{id}',
  summary: 'Change, disable or enable a user',
  request: { params: z.object({ id: z.uuid() }), body: { ...json(updateUserSchema), required: true } },
  responses: { 200: { description: 'The user', ...json(userSchema) }, ...problems(400, 401, 403, 404, 409) },
});

export function usersRoutes(deps: UsersDeps): Router {
  const { users } = deps;
  const routes = newRouter();
  const shown = async (one: UserRow) => (await shownUsers(deps, [one]))[0]!;
  routes.openapi(listRoute, async (c) => {
    personWith(c, 'read', 'admin');
    const { cursor } = c.req.valid('query');
    const found = await users.list(cursor === undefined ? undefined : fromCursor(cursor), LIMIT + 1);
    const items = await shownUsers(deps, found.slice(0, LIMIT));
    return c.json({ items, next: found.length > LIMIT ? toCursor(items.at(-1)!.slug) : null }, 200);
  });
  routes.openapi(createUserRoute, async (c) => {
    personWith(c, 'admin', 'admin');
    return c.json(await shown(await users.create(c.req.valid('json'), actorOf(c))), 201);
  });
  routes.openapi(updateRoute, async (c) => {
    personWith(c, 'admin', 'admin');
    const change = Object.fromEntries(Object.entries(c.req.valid('json')).filter(([, value]) => value !== undefined));
    return c.json(await shown(await users.update(c.req.valid('param').id, change, actorOf(c))), 200);
  });
  return routes;
}

/** With their roles, and the owners of those that are programs. */
export async function shownUsers({ roles, ownersOf }: ShownDeps, users: UserRow[]): Promise<User[]> {
  const owners = new Map((await ownersOf(users)).map((owner) => [owner.id, owner]));
  return Promise.all(
    users.map(async (user) => ({
      id: user.id,
      provider: user.provider as User['provider'],
      email: user.email,
      name: user.name,
      slug: user.slug,
      groups: user.groups,
      roles: await roles.namesOf(user),
      owner: owners.get(user.ownerId ?? '') ?? null,
      disabledAt: user.disabledAt?.toISOString() ?? null,
      createdAt: user.createdAt.toISOString(),
      lastSignInAt: user.lastSignInAt?.toISOString() ?? null,
    })),
  );
}
