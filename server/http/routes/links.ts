/** Signed links: GET, POST /links, DELETE /links/{id}. One's own; each is a session, and revoking it ends that. */
import { createRoute, z } from '@hono/zod-openapi';
import type { ListedLink } from '../../../db/queries/links.ts';
import { Problem } from '../../domain/problem.ts';
import type { Person } from '../../domain/person.ts';
import type { IssuedLink, LinkWish } from '../../sessions/links.ts';
import type { Caller } from '../../sessions/parts.ts';
import type { SessionView } from '../../sessions/sessions.ts';
import { callerOf } from '../actor.ts';
import { personOf } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';
import { issuedLinkSchema, issueLinkSchema, type Link, linkSchema, page } from '../schemas.ts';

export type LinksRoutesDeps = {
  links: { issue(person: Person, wish: LinkWish, caller: Caller): Promise<IssuedLink> };
  /** All, or one. */
  list(userId: string, id?: string): Promise<ListedLink[]>;
  sessions: {
    get(id: string, person: Person): Promise<SessionView>;
    endBy(id: string, person: Person, caller: Caller): Promise<SessionView>;
  };
  /** The address of a cluster at the gateway. */
  address(cluster: string): string;
  longestMs: number;
};

const json = <T extends z.ZodType>(schema: T) => ({ content: { 'application/json': { schema } } });

const listRoute = createRoute({
  method: 'get',
  path: '/links',
  summary: 'Your links that are valid, newest first',
  responses: { 200: { description: 'Links', ...json(page(linkSchema)) }, ...problems(401, 403) },
});
const issueRoute = createRoute({
  method: 'post',
  path: '/links',
  summary: 'Make a link: whoever holds its token may call what it names, as you',
  request: { body: { ...json(issueLinkSchema), required: true } },
  responses: {
    201: { description: 'The link, with its token', ...json(issuedLinkSchema) },
    ...problems(400, 401, 403, 404, 409),
  },
});
const revokeRoute = createRoute({
  method: 'delete',
  path: '/links/{id}',
  summary: 'Revoke one of your links; calls under way end',
  request: { params: z.object({ id: z.uuid() }) },
  responses: { 204: { description: 'Revoked' }, ...problems(401, 403, 404) },
});

export function linksRoutes(deps: LinksRoutesDeps): Router {
  const routes = newRouter();
  routes.openapi(listRoute, async (c) => {
    const person = personOf(c, 'read');
    return c.json({ items: (await deps.list(person.id)).map(shown), next: null }, 200);
  });
  routes.openapi(issueRoute, async (c) => {
    const person = personOf(c, 'sessions');
    const { minutes, notBefore, uses, ...wish } = c.req.valid('json');
    const from = notBefore === undefined ? null : new Date(notBefore);
    const lifetimeMs = Math.min(minutes * 60_000, deps.longestMs);
    const made = await deps.links.issue(
      person,
      { ...wish, uses: uses ?? null, notBefore: from, lifetimeMs },
      callerOf(c),
    );
    const [link] = await deps.list(person.id, made.id);
    return c.json({ ...shown(link!), token: made.token, address: deps.address(made.cluster.name) }, 201);
  });
  routes.openapi(revokeRoute, async (c) => {
    const person = personOf(c, 'sessions');
    const { id } = c.req.valid('param');
    const session = await deps.sessions.get(id, person);
    if (session.channel !== 'link')
      throw new Problem('session-not-found', 404, 'There is no such link, or none that you may see.', {
        next: 'Look it up in the list of your links.',
      });
    await deps.sessions.endBy(id, person, callerOf(c));
    return c.body(null, 204);
  });
  return routes;
}

function shown({ sessionId, name, cluster, role, paths, verbs, uses, usesMax, ...times }: ListedLink): Link {
  const { openedAt, lastInputAt, hardCapAt, notBefore } = times;
  return {
    id: sessionId,
    name,
    cluster,
    role,
    paths,
    verbs,
    uses,
    usesMax,
    createdAt: openedAt.toISOString(),
    notBefore: notBefore.toISOString(),
    expiresAt: hardCapAt.toISOString(),
    lastUsedAt: lastInputAt.getTime() === openedAt.getTime() ? null : lastInputAt.toISOString(),
  };
}
