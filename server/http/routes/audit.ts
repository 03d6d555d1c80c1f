/** The audit log: GET /audit, and a session's Kubernetes calls. */
import { createRoute, z } from '@hono/zod-openapi';
import type { AuditCursor, AuditEventRow, AuditFilter, ListedAuditEvent } from '../../../db/queries/audit.ts';
import { type AuditCode, auditCodes } from '../../domain/audit-codes.ts';
import { Problem } from '../../domain/problem.ts';
import type { Person } from '../../domain/person.ts';
import { personOf, personWith } from '../env.ts';
import { badCursor, fromCursor, toCursor } from '../cursor.ts';
import { newRouter, problems, type Router } from '../router.ts';
import { type AuditEventBody, auditEventSchema, page } from '../schemas.ts';
import { clusterUnknown } from '../../domain/shared-problems.ts';

export type AuditRoutesDeps = {
  events: {
    list(filter: AuditFilter, limit: number, after?: AuditCursor): Promise<ListedAuditEvent[]>;
    calls(sessionId: string, limit: number, after?: AuditCursor): Promise<ListedAuditEvent[]>;
    find(which: AuditCursor): Promise<AuditEventRow | undefined>;
  };
  /** Brings what was recorded a moment ago into the database, as far as that goes quickly. */
  flush(): Promise<unknown>;
  sessions: {
    /** Throws Problem where the session is not this person's to see. */
    get(id: string, person: Person): Promise<unknown>;
  };
  clusters: { find(nameOrId: string): Promise<{ id: string } | null> };
};

const json = <T extends z.ZodType>(schema: T) => ({ content: { 'application/json': { schema } } });
const limit = z.coerce.number().int().min(1).max(500).default(100);
const cursor = z.string().max(512).optional();
const dateTime = z.iso.datetime({ offset: true });

const listRoute = createRoute({
  method: 'get',
  path: '/audit',
  summary: 'What happened, newest first',
  request: {
    query: z.object({
      code: z.string().max(64).optional().describe('A code, or a family: `api.*`'),
      actor: z.string().max(254).optional().describe('Part of the email address, or the id'),
      session: z.uuid().optional(),
      cluster: z.string().max(253).optional().describe('Name or id'),
      auditId: z.uuid().optional().describe("The Audit-ID that the cluster's own log has, too"),
      from: dateTime.optional(),
      to: dateTime.optional(),
      cursor,
      limit,
    }),
  },
  responses: { 200: { description: 'A page', ...json(page(auditEventSchema)) }, ...problems(400, 401, 403, 404) },
});
const callsRoute = createRoute({
  method: 'get',
  path: '/sessions/{id}/calls',
  summary: "A session's Kubernetes calls, newest first",
  request: { params: z.object({ id: z.uuid() }), query: z.object({ cursor, limit }) },
  responses: { 200: { description: 'A page', ...json(page(auditEventSchema)) }, ...problems(400, 401, 403, 404) },
});

const eventId = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const whole = { 200: { description: 'The event', ...json(auditEventSchema) }, ...problems(400, 401, 403, 404) };
const eventRoute = createRoute({
  method: 'get',
  path: '/audit/{id}',
  summary: 'One event, whole; `at` is its time, as the list has it',
  request: { params: z.object({ id: eventId }), query: z.object({ at: dateTime }) },
  responses: whole,
});
const callRoute = createRoute({
  method: 'get',
  path: '/sessions/{id}/calls/{event}',
  summary: "One of a session's Kubernetes calls, whole; `at` is its time, as the list has it",
  request: { params: z.object({ id: z.uuid(), event: eventId }), query: z.object({ at: dateTime }) },
  responses: whole,
});

export function auditRoutes(deps: AuditRoutesDeps): Router {
  const routes = newRouter();
  routes.openapi(listRoute, async (c) => {
    personWith(c, 'read', 'auditor', 'admin');
    const query = c.req.valid('query');
    await deps.flush();
    const filter: AuditFilter = {
      code: query.code,
      actor: query.actor,
      sessionId: query.session,
      clusterId: await clusterId(deps, query.cluster),
      auditId: query.auditId,
      from: query.from ? new Date(query.from) : undefined,
      to: query.to ? new Date(query.to) : undefined,
    };
    const rows = await deps.events.list(filter, query.limit + 1, parseCursor(query.cursor));
    return c.json(pageOf(rows, query.limit), 200);
  });
  routes.openapi(callsRoute, async (c) => {
    const { id } = c.req.valid('param');
    await deps.sessions.get(id, personOf(c, 'read'));
    const query = c.req.valid('query');
    await deps.flush();
    const rows = await deps.events.calls(id, query.limit + 1, parseCursor(query.cursor));
    return c.json(pageOf(rows, query.limit), 200);
  });
  routes.openapi(eventRoute, async (c) => {
    personWith(c, 'read', 'auditor', 'admin');
    const found = await deps.events.find({ at: new Date(c.req.valid('query').at), id: c.req.valid('param').id });
    if (!found) throw noEvent();
    return c.json(shown(listed(found)), 200);
  });
  routes.openapi(callRoute, async (c) => {
    const { id, event } = c.req.valid('param');
    await deps.sessions.get(id, personOf(c, 'read'));
    const found = await deps.events.find({ at: new Date(c.req.valid('query').at), id: event });
    // What is another session's, or no call, is not to be seen here.
    if (!found || found.sessionId !== id || !found.code.startsWith('api.')) throw noEvent();
    return c.json(shown(listed(found)), 200);
  });
  return routes;
}

function listed(row: AuditEventRow): ListedAuditEvent {
  return { ...row, hasBody: 'body' in row.detail };
}

function noEvent(): Problem {
  return new Problem('event-not-found', 404, 'There is no such event.', { next: 'Look it up in the list.' });
}

async function clusterId(deps: AuditRoutesDeps, nameOrId: string | undefined): Promise<string | undefined> {
  // An id is taken as it is: events outlive the cluster that they tell of.
  if (!nameOrId || z.uuid().safeParse(nameOrId).success) return nameOrId;
  const found = await deps.clusters.find(nameOrId);
  if (!found) throw clusterUnknown(nameOrId);
  return found.id;
}

function pageOf(rows: ListedAuditEvent[], size: number) {
  const items = rows.slice(0, size);
  const last = items.at(-1);
  const next = rows.length > size && last ? toCursor(`${last.at.toISOString()} ${last.id}`) : null;
  return { items: items.map(shown), next };
}

function shown(row: ListedAuditEvent): AuditEventBody {
  const { key, at, ...rest } = row;
  void key;
  return { ...rest, at: at.toISOString(), title: auditCodes[row.code as AuditCode] ?? row.code };
}

function parseCursor(text: string | undefined): AuditCursor | undefined {
  if (text === undefined) return undefined;
  const [at = '', id = ''] = fromCursor(text).split(' ');
  const time = new Date(at);
  if (Number.isNaN(time.getTime()) || !/^\d{1,15}$/.test(id)) throw badCursor();
  return { at: time, id: Number(id) };
}
