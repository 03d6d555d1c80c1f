/** The audit log's rows: written once, listed by what is asked. */
import { and, desc, eq, getTableColumns, gte, inArray, like, lt, or, sql, type SQL } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { auditEvents } from '../schema.ts';

export type AuditEventRow = typeof auditEvents.$inferSelect;
/** In a list: without the body of a call, which may be long. */
export type ListedAuditEvent = AuditEventRow & { hasBody: boolean };

/**
 * Rows from the JSON of journal entries, each `{ key, event: { at, code, actorId, … } }`. A row whose (at, key) is there
 * already stays as it is: a journal may be replayed. All are one parameter, in the text that the journal holds: to read
 * it and to put together a value for each column takes the portal several times as long. The columns are picked one by
 * one: jsonb_to_record takes Postgres half as long again.
 */
export async function insertAuditEvents(db: Db, entries: readonly string[]): Promise<void> {
  if (entries.length === 0) return;
  await db.execute(sql`
    insert into audit_events
      (key, at, code, actor_id, actor, session_id, cluster_id, audit_id, client_address, correlation_id, detail)
    select (entry->>'key')::uuid, (event->>'at')::timestamptz, event->>'code', (event->>'actorId')::uuid,
      event->>'actor', (event->>'sessionId')::uuid, (event->>'clusterId')::uuid, (event->>'auditId')::uuid,
      event->>'clientAddress', event->>'correlationId', coalesce(nullif(event->'detail', 'null'), '{}')
    from jsonb_array_elements(${`[${entries.join(',')}]`}::text::jsonb) as entry,
      lateral (select entry->'event' as event) as given
    on conflict do nothing`);
}

export type AuditFilter = {
  /** One code, or with a dot and star at its end a family: `api.*`. */
  code?: string | undefined;
  /** Part of the actor as shown, or the actor's id. */
  actor?: string | undefined;
  sessionId?: string | undefined;
  clusterId?: string | undefined;
  auditId?: string | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
};

const listed = {
  ...getTableColumns(auditEvents),
  detail: sql<Record<string, unknown>>`${auditEvents.detail} - 'body'`,
  hasBody: sql<boolean>`jsonb_exists(${auditEvents.detail}, 'body')`,
};

/** The beginning of a call whose end is not there. An end is not before its beginning: earlier months are not looked into. */
const hasNoEnd = sql`(${auditEvents.code} = 'api.started' and not exists (
  select 1 from ${auditEvents} as e
  where e.audit_id = ${auditEvents.auditId} and e.at >= ${auditEvents.at} and e.code = 'api.finished'))`;

const isStream = sql`jsonb_exists(${auditEvents.detail}, 'stream')`;

/** Whole, by where a list has it. */
export async function findAuditEvent(db: Db, { at, id }: AuditCursor): Promise<AuditEventRow | undefined> {
  return (
    await db
      .select()
      .from(auditEvents)
      .where(and(eq(auditEvents.at, at), eq(auditEvents.id, id)))
  )[0];
}

/** Where the last page ended. */
export type AuditCursor = { at: Date; id: number };

/** Newest first, `limit` at most. */
export async function listAuditEvents(
  db: Db,
  filter: AuditFilter,
  limit: number,
  after?: AuditCursor,
): Promise<ListedAuditEvent[]> {
  const t = auditEvents;
  const conditions: (SQL | undefined)[] = [
    codeIs(filter.code),
    actorIs(filter.actor),
    filter.sessionId ? eq(t.sessionId, filter.sessionId) : undefined,
    filter.clusterId ? eq(t.clusterId, filter.clusterId) : undefined,
    filter.auditId ? eq(t.auditId, filter.auditId) : undefined,
    filter.from ? gte(t.at, filter.from) : undefined,
    filter.to ? lt(t.at, filter.to) : undefined,
    isPast(after),
  ];
  return db
    .select(listed)
    .from(t)
    .where(and(...conditions))
    .orderBy(desc(t.at), desc(t.id))
    .limit(limit);
}

/**
 * A session's Kubernetes calls, newest first. A call that was long in coming to its end has two rows, its beginning and
 * its end: only the end is listed.
 */
export async function listSessionCalls(
  db: Db,
  sessionId: string,
  limit: number,
  after?: AuditCursor,
): Promise<ListedAuditEvent[]> {
  const t = auditEvents;
  return db
    .select(listed)
    .from(t)
    .where(
      and(eq(t.sessionId, sessionId), or(inArray(t.code, ['api.finished', 'api.refused']), hasNoEnd), isPast(after)),
    )
    .orderBy(desc(t.at), desc(t.id))
    .limit(limit);
}

/** Exec, attach and port-forward of a session, newest first, each once: by its end, or by its beginning while it runs. */
export async function listSessionStreams(db: Db, sessionId: string, limit: number): Promise<AuditEventRow[]> {
  const t = auditEvents;
  return db
    .select()
    .from(t)
    .where(and(eq(t.sessionId, sessionId), isStream, or(eq(t.code, 'api.finished'), hasNoEnd)))
    .orderBy(desc(t.at), desc(t.id))
    .limit(limit);
}

/** One of them, by its Audit-ID. */
export async function findSessionStream(
  db: Db,
  sessionId: string,
  auditId: string,
): Promise<AuditEventRow | undefined> {
  const t = auditEvents;
  const [found] = await db
    .select()
    .from(t)
    .where(and(eq(t.sessionId, sessionId), eq(t.auditId, auditId), isStream))
    .orderBy(desc(t.at))
    .limit(1);
  return found;
}

/** Older than where the last page ended. */
function isPast(after: AuditCursor | undefined): SQL | undefined {
  const t = auditEvents;
  return after && or(lt(t.at, after.at), and(eq(t.at, after.at), lt(t.id, after.id)));
}

function codeIs(code: string | undefined): SQL | undefined {
  if (!code) return undefined;
  return code.endsWith('.*') ? like(auditEvents.code, `${likeText(code.slice(0, -1))}%`) : eq(auditEvents.code, code);
}

function actorIs(actor: string | undefined): SQL | undefined {
  if (!actor) return undefined;
  const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(actor);
  return uuid ? eq(auditEvents.actorId, actor) : sql`${auditEvents.actor} ilike ${`%${likeText(actor)}%`}`;
}

function likeText(text: string): string {
  return text.replace(/[\\%_]/g, String.raw`\$&`);
}
