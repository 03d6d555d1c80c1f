/** Trusts in issuers of id tokens, and the tokens that were exchanged by them. */
import { and, asc, count, eq, isNull, lt } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { exchangedTokens, oidcTrusts, users } from '../schema.ts';
import type { UserRow } from './users.ts';

export type TrustRow = typeof oidcTrusts.$inferSelect;

/** Undefined where the name is taken. */
export async function insertTrust(db: Db, trust: typeof oidcTrusts.$inferInsert): Promise<TrustRow | undefined> {
  return (await db.insert(oidcTrusts).values(trust).onConflictDoNothing().returning())[0];
}

/** Of one service user, by name. */
export async function listTrusts(db: Db, userId: string): Promise<TrustRow[]> {
  return db
    .select()
    .from(oidcTrusts)
    .where(and(eq(oidcTrusts.userId, userId), isNull(oidcTrusts.removedAt)))
    .orderBy(asc(oidcTrusts.name));
}

export async function countTrusts(db: Db): Promise<number> {
  const rows = await db.select({ count: count() }).from(oidcTrusts).where(isNull(oidcTrusts.removedAt));
  return rows[0]!.count;
}

/** With their service users, the disabled left out. */
export async function trustsOfIssuer(db: Db, issuer: string): Promise<(TrustRow & { user: UserRow })[]> {
  const rows = await db
    .select({ trust: oidcTrusts, user: users })
    .from(oidcTrusts)
    .innerJoin(users, eq(users.id, oidcTrusts.userId))
    .where(and(eq(oidcTrusts.issuer, issuer), isNull(oidcTrusts.removedAt), isNull(users.disabledAt)));
  return rows.map(({ trust, user }) => ({ ...trust, user }));
}

/** Whether what it stands for still does. */
export async function trustStands(db: Db, id: string): Promise<boolean> {
  const rows = await db
    .select({ id: oidcTrusts.id })
    .from(oidcTrusts)
    .innerJoin(users, eq(users.id, oidcTrusts.userId))
    .where(and(eq(oidcTrusts.id, id), isNull(oidcTrusts.removedAt), isNull(users.disabledAt)));
  return rows.length > 0;
}

/** Undefined where there is none of that user's, or it was removed before. */
export async function removeTrust(
  db: Db,
  which: { userId: string; id: string },
  now: Date,
): Promise<TrustRow | undefined> {
  const rows = await db
    .update(oidcTrusts)
    .set({ removedAt: now })
    .where(and(eq(oidcTrusts.id, which.id), eq(oidcTrusts.userId, which.userId), isNull(oidcTrusts.removedAt)))
    .returning();
  return rows[0];
}

/** True for the first who brings a token. Those that are over by themselves are forgotten meanwhile. */
export async function useUp(db: Db, token: { hash: Buffer; expiresAt: Date }, now: Date): Promise<boolean> {
  await db.delete(exchangedTokens).where(lt(exchangedTokens.expiresAt, now));
  const rows = await db.insert(exchangedTokens).values(token).onConflictDoNothing().returning();
  return rows.length > 0;
}
