/**
 * Services and pods in the browser: GET, POST /services, DELETE /services/{id}. One's own; each is a session. GET
 * /services/enter is where the browser comes by from a service's origin, and goes back to it with a code.
 */
import { createRoute, z } from '@hono/zod-openapi';
import type { OpenedService } from '../../../db/queries/services.ts';
import { Problem } from '../../domain/problem.ts';
import type { Person } from '../../domain/person.ts';
import type { Caller } from '../../sessions/parts.ts';
import type { ServiceWish } from '../../sessions/services.ts';
import type { SessionView } from '../../sessions/sessions.ts';
import { callerOf } from '../actor.ts';
import { personOf } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';
import { openedServiceSchema, openServiceSchema, page, type Service, serviceSchema } from '../schemas.ts';
import { toSignIn, visitorOf } from '../visitor.ts';

export type ServicesRoutesDeps = {
  /** Where a browser begins, for a minute. Throws Problem `proxy-domain-missing`, `needs-sign-in`. */
  open(person: Person, wish: ServiceWish & { path: string }, caller: Caller): Promise<{ id: string; url: string }>;
  /** Where it goes on, with a code. Throws Problem `entry-refused`. */
  enter(webSessionId: string, intent: string, nonce: string): Promise<string>;
  list(userId: string): Promise<OpenedService[]>;
  /** Of a label; null where there is no proxy domain. */
  origin(label: string): string | null;
  sessions: {
    get(id: string, person: Person): Promise<SessionView>;
    endBy(id: string, person: Person, caller: Caller): Promise<SessionView>;
  };
};

const json = <T extends z.ZodType>(schema: T) => ({ content: { 'application/json': { schema } } });

const listRoute = createRoute({
  method: 'get',
  path: '/services',
  summary: 'Services that you have opened in the browser, newest first',
  responses: { 200: { description: 'Services', ...json(page(serviceSchema)) }, ...problems(401, 403) },
});
const openRoute = createRoute({
  method: 'post',
  path: '/services',
  summary: 'Open a service or pod of a cluster in the browser, at an address of its own',
  request: { body: { ...json(openServiceSchema), required: true } },
  responses: {
    201: { description: 'Where the browser goes', ...json(openedServiceSchema) },
    ...problems(400, 401, 403, 404, 409),
  },
});
const closeRoute = createRoute({
  method: 'delete',
  path: '/services/{id}',
  summary: 'Close a service; what runs now ends',
  request: { params: z.object({ id: z.uuid() }) },
  responses: { 204: { description: 'Closed' }, ...problems(401, 403, 404) },
});
const enterRoute = createRoute({
  method: 'get',
  path: '/services/enter',
  summary: 'For browsers: on to the service, with a code',
  request: { query: z.object({ intent: z.string().max(64), nonce: z.string().max(64) }) },
  responses: { 303: { description: 'To the service’s own address' }, ...problems(401, 403) },
});

export function servicesRoutes(deps: ServicesRoutesDeps): Router {
  const routes = newRouter();
  routes.openapi(listRoute, async (c) => {
    const person = personOf(c, 'read');
    const items = (await deps.list(person.id)).flatMap((opened) => {
      const origin = deps.origin(opened.label);
      return origin === null ? [] : [shown(opened, origin)];
    });
    return c.json({ items, next: null }, 200);
  });
  routes.openapi(openRoute, async (c) => {
    const person = personOf(c, 'sessions');
    return c.json(await deps.open(person, c.req.valid('json'), callerOf(c)), 201);
  });
  routes.openapi(closeRoute, async (c) => {
    const person = personOf(c, 'sessions');
    const { id } = c.req.valid('param');
    const session = await deps.sessions.get(id, person);
    if (session.channel !== 'service')
      throw new Problem('session-not-found', 404, 'There is no such service, or none that you may see.', {
        next: 'Look it up in the list of your services.',
      });
    await deps.sessions.endBy(id, person, callerOf(c));
    return c.body(null, 204);
  });
  routes.openapi(enterRoute, async (c) => {
    const { intent, nonce } = c.req.valid('query');
    const person = visitorOf(c);
    return person ? c.redirect(await deps.enter(person.proof.id, intent, nonce), 303) : toSignIn(c);
  });
  return routes;
}

function shown(opened: OpenedService, origin: string): Service {
  const { sessionId, label, cluster, role, kind, namespace, name, port, scheme, state } = opened;
  const { openedAt, lastInputAt } = opened;
  return {
    id: sessionId,
    label,
    cluster,
    role,
    kind,
    namespace,
    name,
    port,
    scheme,
    origin,
    open: state === 'active' || state === 'dormant',
    openedAt: openedAt.toISOString(),
    lastUsedAt: lastInputAt.getTime() === openedAt.getTime() ? null : lastInputAt.toISOString(),
  };
}
