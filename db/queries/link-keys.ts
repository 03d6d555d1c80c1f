/** Operators' keys for links. */
import { and, asc, count, eq, isNull } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { clusters, linkKeys, users } from '../schema.ts';
import type { UserRow } from './users.ts';

export type LinkKeyRow = typeof linkKeys.$inferSelect;
export type ListedLinkKey = LinkKeyRow & { cluster: { id: string; name: string } };

/** Undefined where the name is taken. */
export async function insertLinkKey(db: Db, key: typeof linkKeys.$inferInsert): Promise<LinkKeyRow | undefined> {
  return (await db.insert(linkKeys).values(key).onConflictDoNothing().returning())[0];
}

/** Of one service user, by name. */
export async function listLinkKeys(db: Db, userId: string): Promise<ListedLinkKey[]> {
  const rows = await db
    .select({ key: linkKeys, cluster: { id: clusters.id, name: clusters.name } })
    .from(linkKeys)
    .innerJoin(clusters, eq(clusters.id, linkKeys.clusterId))
    .where(and(eq(linkKeys.userId, userId), isNull(linkKeys.removedAt)))
    .orderBy(asc(linkKeys.name));
  return rows.map(({ key, cluster }) => ({ ...key, cluster }));
}

export async function countLinkKeys(db: Db): Promise<number> {
  const rows = await db.select({ count: count() }).from(linkKeys).where(isNull(linkKeys.removedAt));
  return rows[0]!.count;
}

/** One that stands, of a service user that is not disabled. */
export async function findLinkKey(db: Db, id: string): Promise<(LinkKeyRow & { user: UserRow }) | undefined> {
  const [row] = await db
    .select({ key: linkKeys, user: users })
    .from(linkKeys)
    .innerJoin(users, eq(users.id, linkKeys.userId))
    .where(and(eq(linkKeys.id, id), isNull(linkKeys.removedAt), isNull(users.disabledAt)));
  return row && { ...row.key, user: row.user };
}

/** Undefined where there is none of that user's, or it was removed before. */
export async function removeLinkKey(
  db: Db,
  which: { userId: string; id: string },
  now: Date,
): Promise<LinkKeyRow | undefined> {
  const rows = await db
    .update(linkKeys)
    .set({ removedAt: now })
    .where(and(eq(linkKeys.id, which.id), eq(linkKeys.userId, which.userId), isNull(linkKeys.removedAt)))
    .returning();
  return rows[0];
}
