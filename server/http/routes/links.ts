/**
 * Signed links: GET, POST /links, DELETE /links/{id}. One's own; each is a session, and revoking it ends that. GET
 * /links/enter is where a browser proves that it is the person whom a link is for.
 */
import { createRoute, z } from '@hono/zod-openapi';
import type { ListedLink } from '../../../db/queries/links.ts';
import { Problem } from '../../domain/problem.ts';
import type { Person } from '../../domain/person.ts';
import type { IssuedLink, LinkWish } from '../../sessions/links.ts';
import type { Caller } from '../../sessions/parts.ts';
import type { SessionView } from '../../sessions/sessions.ts';
import { callerOf } from '../actor.ts';
import { personOf } from '../env.ts';
import { toSignIn, visitorOf } from '../visitor.ts';
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
  /** What a browser opens; null where there is no proxy domain. */
  url(id: string, token: string): string | null;
  /**
   * Where a browser goes that holds a link for one person, signed in as `person`. Throws Problem `link-not-yours`,
   * `entry-refused` and those of a token that is not good.
   */
  enter(person: Person, token: string, nonce: string): Promise<string>;
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

const enterRoute = createRoute({
  method: 'get',
  path: '/links/enter',
  summary: 'For browsers: on from a link that is for one person, once that person is signed in',
  request: { query: z.object({ link: z.string().max(8192), nonce: z.string().max(64) }) },
  responses: { 303: { description: 'Back to the link, with a code' }, ...problems(401, 403) },
});

export function linksRoutes(deps: LinksRoutesDeps): Router {
  const routes = newRouter();
  routes.openapi(listRoute, async (c) => {
    const person = personOf(c, 'read');
    return c.json({ items: (await deps.list(person.id)).map(shown), next: null }, 200);
  });
  routes.openapi(issueRoute, async (c) => {
    const person = personOf(c, 'sessions');
    const { minutes, notBefore, uses, recipient, ...wish } = c.req.valid('json');
    const from = notBefore === undefined ? null : new Date(notBefore);
    const lifetimeMs = Math.min(minutes * 60_000, deps.longestMs);
    const made = await deps.links.issue(
      person,
      { ...wish, uses: uses ?? null, recipient: recipient ?? null, notBefore: from, lifetimeMs },
      callerOf(c),
    );
    const [link] = await deps.list(person.id, made.id);
    const addresses = { address: deps.address(made.cluster.name), url: deps.url(made.id, made.token) };
    return c.json({ ...shown(link!), token: made.token, ...addresses }, 201);
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
  routes.openapi(enterRoute, async (c) => {
    const { link, nonce } = c.req.valid('query');
    const person = visitorOf(c);
    return person ? c.redirect(await deps.enter(person, link, nonce), 303) : toSignIn(c);
  });
  return routes;
}

function shown({
  sessionId,
  name,
  cluster,
  role,
  paths,
  verbs,
  uses,
  usesMax,
  recipient,
  landing,
  ...times
}: ListedLink): Link {
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
    recipient,
    landing,
    createdAt: openedAt.toISOString(),
    notBefore: notBefore.toISOString(),
    expiresAt: hardCapAt.toISOString(),
    lastUsedAt: lastInputAt.getTime() === openedAt.getTime() ? null : lastInputAt.toISOString(),
  };
}
