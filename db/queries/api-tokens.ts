/** API tokens: hashes, never the tokens. */
import { and, desc, eq, gt, inArray, isNull, sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { apiTokens, users } from '../schema.ts';
import type { UserRow } from './users.ts';

export type ApiTokenRow = typeof apiTokens.$inferSelect;

/** Neither revoked nor expired, and its person, who is joined, not disabled. */
const isLive = (now: Date) => and(isNull(apiTokens.revokedAt), gt(apiTokens.expiresAt, now), isNull(users.disabledAt));

export async function insertApiToken(
  db: Db,
  token: Pick<
    typeof apiTokens.$inferInsert,
    'userId' | 'name' | 'tokenHash' | 'scopes' | 'createdAt' | 'expiresAt' | 'createdBy' | 'trustId'
  >,
): Promise<ApiTokenRow> {
  return (await db.insert(apiTokens).values(token).returning())[0]!;
}

/** The good one with this hash, and its person; not of the disabled. */
export async function findLiveApiToken(
  db: Db,
  tokenHash: Buffer,
  now: Date,
): Promise<{ token: ApiTokenRow; user: UserRow } | undefined> {
  const rows = await db
    .select({ token: apiTokens, user: users })
    .from(apiTokens)
    .innerJoin(users, eq(users.id, apiTokens.userId))
    .where(and(eq(apiTokens.tokenHash, tokenHash), isLive(now)));
  return rows[0];
}

/** Of `ids`, those that are good; not of the disabled. */
export async function liveApiTokensAmong(db: Db, ids: string[], now: Date): Promise<string[]> {
  if (!ids.length) return [];
  const rows = await db
    .select({ id: apiTokens.id })
    .from(apiTokens)
    .innerJoin(users, eq(users.id, apiTokens.userId))
    .where(and(inArray(apiTokens.id, ids), isLive(now)));
  return rows.map((row) => row.id);
}

/** A person's, newest first; the revoked and expired too. */
export async function listApiTokens(db: Db, userId: string, limit: number): Promise<ApiTokenRow[]> {
  return db
    .select()
    .from(apiTokens)
    .where(eq(apiTokens.userId, userId))
    .orderBy(desc(apiTokens.createdAt))
    .limit(limit);
}

/** Of a person, those that were made by hand; or of a trust, those that were given by it. */
export async function countLiveApiTokens(
  db: Db,
  whose: { userId: string } | { trustId: string },
  now: Date,
): Promise<number> {
  const chosen =
    'trustId' in whose
      ? eq(apiTokens.trustId, whose.trustId)
      : and(eq(apiTokens.userId, whose.userId), isNull(apiTokens.trustId));
  const rows = await db
    .select({ count: sql<number>`count(*)::int` })
    .from(apiTokens)
    .where(and(chosen, isNull(apiTokens.revokedAt), gt(apiTokens.expiresAt, now)));
  return rows[0]!.count;
}

/** One, all of a user's, all that somebody made for others, or all that a trust gave. */
export type WhichTokens = { userId: string; id?: string } | { createdBy: string } | { trustId: string };

/** Returns those that were good until now. */
export async function revokeApiTokens(db: Db, which: WhichTokens, now: Date): Promise<ApiTokenRow[]> {
  const chosen =
    'trustId' in which
      ? eq(apiTokens.trustId, which.trustId)
      : 'createdBy' in which
        ? eq(apiTokens.createdBy, which.createdBy)
        : and(eq(apiTokens.userId, which.userId), which.id === undefined ? undefined : eq(apiTokens.id, which.id));
  return db
    .update(apiTokens)
    .set({ revokedAt: now })
    .where(and(chosen, isNull(apiTokens.revokedAt)))
    .returning();
}

export async function touchApiToken(db: Db, id: string, usedAt: Date): Promise<void> {
  await db.update(apiTokens).set({ lastUsedAt: usedAt }).where(eq(apiTokens.id, id));
}
