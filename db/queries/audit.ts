/** The audit log's rows: written once, listed by what is asked. */
import { and, desc, eq, getTableColumns, gte, inArray, like, lt, or, sql, type SQL } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { auditEvents } from '../schema.ts';

export type AuditEventRow = typeof auditEvents.$inferSelect;
export type NewAuditEvent = Omit<AuditEventRow, 'id'>;
/** In a list: without the body of a call, which may be long. */
export type ListedAuditEvent = AuditEventRow & { hasBody: boolean };

/** Rows in one statement: 11 columns each, and Postgres takes 65,535 parameters. */
const ROWS_AT_ONCE = 1_000;

/** A row whose (at, key) is there already stays as it is: a journal may be replayed. */
export async function insertAuditEvents(db: Db, rows: NewAuditEvent[]): Promise<void> {
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE)
    await db
      .insert(auditEvents)
      .values(rows.slice(at, at + ROWS_AT_ONCE))
      .onConflictDoNothing();
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
    after ? or(lt(t.at, after.at), and(eq(t.at, after.at), lt(t.id, after.id))) : undefined,
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
  // An end is not before its beginning: of the months only those from there on are looked into.
  const ended = sql`exists (select 1 from ${auditEvents} as e where e.audit_id = ${t.auditId} and e.at >= ${t.at} and e.code = 'api.finished')`;
  return db
    .select(listed)
    .from(t)
    .where(
      and(
        eq(t.sessionId, sessionId),
        or(inArray(t.code, ['api.finished', 'api.refused']), and(eq(t.code, 'api.started'), sql`not ${ended}`)),
        after ? or(lt(t.at, after.at), and(eq(t.at, after.at), lt(t.id, after.id))) : undefined,
      ),
    )
    .orderBy(desc(t.at), desc(t.id))
    .limit(limit);
}

/** Exec, attach and port-forward of a session, newest first, each once: by its end, or by its beginning while it runs. */
export async function listSessionStreams(db: Db, sessionId: string, limit: number): Promise<AuditEventRow[]> {
  const t = auditEvents;
  const ended = sql`exists (select 1 from ${auditEvents} as e where e.audit_id = ${t.auditId} and e.at >= ${t.at} and e.code = 'api.finished')`;
  return db
    .select()
    .from(t)
    .where(
      and(
        eq(t.sessionId, sessionId),
        sql`jsonb_exists(${t.detail}, 'stream')`,
        or(eq(t.code, 'api.finished'), and(eq(t.code, 'api.started'), sql`not ${ended}`)),
      ),
    )
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
    .where(and(eq(t.sessionId, sessionId), eq(t.auditId, auditId), sql`jsonb_exists(${t.detail}, 'stream')`))
    .orderBy(desc(t.at))
    .limit(1);
  return found;
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
