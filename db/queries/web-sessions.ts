/** Sign-ins. */
import { and, eq, gt, inArray, isNull, lt, or } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { users, webSessions } from '../schema.ts';
import type { UserRow } from './users.ts';

export type WebSessionRow = typeof webSessions.$inferSelect;

/** Neither ended nor expired, and its person, who is joined, not disabled. */
const isLive = (now: Date) =>
  and(isNull(webSessions.endedAt), gt(webSessions.expiresAt, now), isNull(users.disabledAt));

export async function insertWebSession(
  db: Db,
  session: Omit<typeof webSessions.$inferInsert, 'id' | 'endedAt'>,
): Promise<WebSessionRow> {
  return (await db.insert(webSessions).values(session).returning())[0]!;
}

/** The live one, by the token that opens it or by its id, with its person; not of the disabled. */
export async function findLiveWebSession(
  db: Db,
  which: { tokenHash: Buffer } | { id: string },
  now: Date,
): Promise<{ session: WebSessionRow; user: UserRow } | undefined> {
  const chosen = 'id' in which ? eq(webSessions.id, which.id) : eq(webSessions.tokenHash, which.tokenHash);
  const rows = await db
    .select({ session: webSessions, user: users })
    .from(webSessions)
    .innerJoin(users, eq(users.id, webSessions.userId))
    .where(and(chosen, isLive(now)));
  return rows[0];
}

/** Returns the ids of those that were live until now. */
export async function endWebSessions(db: Db, which: { id: string } | { userId: string }, now: Date): Promise<string[]> {
  const chosen = 'id' in which ? eq(webSessions.id, which.id) : eq(webSessions.userId, which.userId);
  const rows = await db
    .update(webSessions)
    .set({ endedAt: now })
    .where(and(chosen, isNull(webSessions.endedAt)))
    .returning({ id: webSessions.id });
  return rows.map((row) => row.id);
}

/** Of `ids`, those that are live; not of the disabled. */
export async function liveWebSessionsAmong(db: Db, ids: string[], now: Date): Promise<string[]> {
  if (!ids.length) return [];
  const rows = await db
    .select({ id: webSessions.id })
    .from(webSessions)
    .innerJoin(users, eq(users.id, webSessions.userId))
    .where(and(inArray(webSessions.id, ids), isLive(now)));
  return rows.map((row) => row.id);
}

/** Old rows say nothing that the audit log does not: those that ended or expired before `before` go. */
export async function deleteOldWebSessions(db: Db, before: Date): Promise<void> {
  await db.delete(webSessions).where(or(lt(webSessions.endedAt, before), lt(webSessions.expiresAt, before)));
}
