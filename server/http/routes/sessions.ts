/** Access sessions: GET and POST /sessions, GET /sessions/{id}, extend, end, ticket, and the terminal's WebSocket. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Caller } from '../../sessions/parts.ts';
import type { OpenRequest, SessionListFilter, SessionView } from '../../sessions/sessions.ts';
import { badCursor, fromCursor, toCursor } from '../cursor.ts';
import type { Person } from '../../domain/person.ts';
import { clusterUnknown, sessionUnknown } from '../../domain/shared-problems.ts';
import { callerOf } from '../actor.ts';
import { personOf } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';
import { openedSessionSchema, openSessionSchema, page, sessionSchema, ticketSchema } from '../schemas.ts';
import type { Upgrade, UpgradeHandler } from '../upgrades.ts';

type PageUpgrade = Pick<Upgrade, 'request' | 'socket' | 'head' | 'signal'>;
type PageFacts = { user: string; webSession: string; clientAddress: string };

export type SessionsRoutesDeps = {
  sessions: {
    open(person: Person, request: OpenRequest, caller: Caller): Promise<SessionView>;
    get(id: string, person: Person): Promise<SessionView>;
    list(
      person: Person,
      filter: SessionListFilter,
    ): Promise<{ items: SessionView[]; next: { openedAt: Date; id: string } | null }>;
    extend(id: string, person: Person, caller: Caller): Promise<SessionView>;
    endBy(id: string, person: Person, caller: Caller): Promise<SessionView>;
    requireOwn(id: string, person: Person): Promise<void>;
    attachable(id: string, person: Person): Promise<unknown>;
  };
  terminals: {
    issueTicket(session: string, user: string, webSession: string): { ticket: string; expiresAt: Date };
    upgrade(upgrade: PageUpgrade, session: string, page: PageFacts): void;
  };
  clusters: { find(nameOrId: string): Promise<{ id: string } | null> };
};

const idParam = z.object({ id: z.uuid() });
const json = <T extends z.ZodType>(schema: T) => ({ content: { 'application/json': { schema } } });
const states = z.enum(['opening', 'active', 'dormant', 'ending', 'ended']);
const listQuery = z.object({
  state: z
    .string()
    .max(100)
    .transform((text) => text.split(','))
    .pipe(z.array(states))
    .optional()
    .openapi({
      type: 'string',
      description: 'One or more of opening, active, dormant, ending, ended, separated by commas',
    }),
  channel: z.enum(['terminal', 'kubeconfig', 'link', 'service']).optional(),
  user: z.uuid().optional(),
  cluster: z.string().max(253).optional().describe('Name or id'),
  mine: z.enum(['true', 'false']).optional(),
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

const listRoute = createRoute({
  method: 'get',
  path: '/sessions',
  summary: 'Sessions, newest first',
  request: { query: listQuery },
  responses: { 200: { description: 'A page', ...json(page(sessionSchema)) }, ...problems(400, 401, 403, 404) },
});
const openRoute = createRoute({
  method: 'post',
  path: '/sessions',
  summary: 'Open a terminal session',
  request: { body: { ...json(openSessionSchema), required: true } },
  responses: {
    201: { description: 'Opened, or opening', ...json(openedSessionSchema) },
    ...problems(400, 401, 403, 404, 409, 502, 503),
  },
});
const oneSession = { 200: { description: 'The session', ...json(sessionSchema) } };
const getRoute = createRoute({
  method: 'get',
  path: '/sessions/{id}',
  summary: 'One session',
  request: { params: idParam },
  responses: { ...oneSession, ...problems(401, 404) },
});
const extendRoute = createRoute({
  method: 'post',
  path: '/sessions/{id}/extend',
  summary: 'Put off idling, up to the hard cap',
  request: { params: idParam },
  responses: { ...oneSession, ...problems(401, 403, 404, 409) },
});
const endRoute = createRoute({
  method: 'post',
  path: '/sessions/{id}/end',
  summary: 'End the session and remove all of it',
  request: { params: idParam },
  responses: { ...oneSession, ...problems(401, 403, 404) },
});
const ticketRoute = createRoute({
  method: 'post',
  path: '/sessions/{id}/ticket',
  summary: 'A ticket for one handshake of the terminal’s WebSocket',
  request: { params: idParam },
  responses: { 200: { description: 'Single use', ...json(ticketSchema) }, ...problems(401, 403, 404, 409) },
});

export function sessionsRoutes(deps: SessionsRoutesDeps): Router {
  const { sessions, terminals } = deps;
  const routes = newRouter();
  const ticketFor = (id: string, person: Person) => terminals.issueTicket(id, person.id, person.proof.id);

  routes.openapi(listRoute, async (c) => {
    const person = personOf(c, 'read');
    const query = c.req.valid('query');
    const cluster = query.cluster === undefined ? undefined : await clusterId(deps, query.cluster);
    const { items, next } = await sessions.list(person, {
      limit: query.limit,
      ...(query.state ? { states: query.state } : {}),
      ...(query.mine === 'true' ? { userId: person.id } : query.user ? { userId: query.user } : {}),
      ...(cluster ? { clusterId: cluster } : {}),
      ...(query.cursor ? { after: parseCursor(query.cursor) } : {}),
    });
    return c.json({ items, next: next && formatCursor(next) }, 200);
  });
  routes.openapi(openRoute, async (c) => {
    const person = personOf(c, 'sessions');
    const session = await sessions.open(person, c.req.valid('json'), callerOf(c));
    return c.json({ session, ticket: ticketFor(session.id, person).ticket }, 201);
  });
  routes.openapi(getRoute, async (c) => {
    const person = personOf(c, 'read');
    return c.json(await sessions.get(c.req.valid('param').id, person), 200);
  });
  routes.openapi(extendRoute, async (c) => {
    const person = personOf(c, 'sessions');
    return c.json(await sessions.extend(c.req.valid('param').id, person, callerOf(c)), 200);
  });
  routes.openapi(endRoute, async (c) => {
    const person = personOf(c, 'sessions');
    return c.json(await sessions.endBy(c.req.valid('param').id, person, callerOf(c)), 200);
  });
  routes.openapi(ticketRoute, async (c) => {
    const person = personOf(c, 'sessions');
    const { id } = c.req.valid('param');
    await sessions.requireOwn(id, person);
    const { ticket, expiresAt } = ticketFor(id, person);
    return c.json({ ticket, expiresAt: expiresAt.toISOString() }, 200);
  });
  return routes;
}

/** For `/api/v1/sessions/:id/terminal`: an opening session's page waits here, with its steps on screen. */
export function terminalUpgrade({ sessions, terminals }: SessionsRoutesDeps): UpgradeHandler {
  return async (upgrade) => {
    const { person, params, clientAddress } = upgrade;
    const id = params['id'] ?? '';
    if (!idParam.safeParse({ id }).success) throw sessionUnknown();
    await sessions.attachable(id, person);
    const page = { user: person.id, webSession: person.proof.id, clientAddress };
    if (!upgrade.socket.destroyed) terminals.upgrade(upgrade, id, page);
  };
}

async function clusterId(deps: SessionsRoutesDeps, nameOrId: string): Promise<string> {
  const cluster = await deps.clusters.find(nameOrId);
  if (!cluster) throw clusterUnknown(nameOrId);
  return cluster.id;
}

/** Opaque to clients: the place of the last session of a page. */
function formatCursor(place: { openedAt: Date; id: string }): string {
  return toCursor(`${place.openedAt.getTime()} ${place.id}`);
}

function parseCursor(cursor: string): { openedAt: Date; id: string } {
  const [time = '', id = ''] = fromCursor(cursor).split(' ');
  const openedAt = new Date(Number(time));
  if (!/^\d{1,15}$/.test(time) || Number.isNaN(openedAt.getTime()) || !idParam.safeParse({ id }).success)
    throw badCursor();
  return { openedAt, id };
}
