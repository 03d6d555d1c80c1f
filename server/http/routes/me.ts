/** Who am I: GET /api/v1/me. */
import { createRoute } from '@hono/zod-openapi';
import type { Person } from '../../domain/person.ts';
import { personOf } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';
import { meSchema } from '../schemas.ts';

export type MeDeps = {
  roles: { namesOf(person: Pick<Person, 'groups'>): Promise<string[]> };
  /** Where the identity provider ends its own session, for those who signed in there. */
  signOutUrl(person: Person): Promise<string | null>;
};

const getMe = createRoute({
  method: 'get',
  path: '/me',
  summary: 'The signed-in person',
  responses: { 200: { description: 'Me', content: { 'application/json': { schema: meSchema } } }, ...problems(401) },
});

export function meRoutes(deps: MeDeps): Router {
  const routes = newRouter();
  routes.openapi(getMe, async (c) => {
    const person = personOf(c, 'read');
    const { id, email, name, slug, groups, portal, proof } = person;
    const [roles, signOutUrl] = await Promise.all([deps.roles.namesOf(person), deps.signOutUrl(person)]);
    return c.json({ id, email, name, slug, groups, portal, roles, proof: proof.kind, signOutUrl }, 200);
  });
  return routes;
}
