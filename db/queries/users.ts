/** People: who signed in, and local users. */
import { and, asc, eq, gt, isNull, sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { users } from '../schema.ts';

export type UserRow = typeof users.$inferSelect;
export type NewUser = Pick<typeof users.$inferInsert, 'provider' | 'issuer' | 'subject' | 'email' | 'name' | 'slug'> & {
  groups: string[];
  passwordHash?: string | null;
};

export async function findUser(db: Db, id: string): Promise<UserRow | undefined> {
  return (await db.select().from(users).where(eq(users.id, id)))[0];
}

/** (issuer, subject) is who somebody is. */
export async function findUserByIdentity(db: Db, issuer: string, subject: string): Promise<UserRow | undefined> {
  return (
    await db
      .select()
      .from(users)
      .where(and(eq(users.issuer, issuer), eq(users.subject, subject)))
  )[0];
}

export async function slugsLike(db: Db, prefix: string): Promise<string[]> {
  const rows = await db
    .select({ slug: users.slug })
    .from(users)
    .where(sql`starts_with(${users.slug}, ${prefix})`);
  return rows.map((row) => row.slug);
}

/** Returns undefined where the slug or the identity is taken meanwhile. */
export async function insertUser(db: Db, user: NewUser): Promise<UserRow | undefined> {
  return (await db.insert(users).values(user).onConflictDoNothing().returning())[0];
}

export async function updateUser(
  db: Db,
  id: string,
  change: Partial<Pick<UserRow, 'email' | 'name' | 'groups' | 'passwordHash' | 'disabledAt' | 'lastSignInAt'>>,
): Promise<UserRow | undefined> {
  return (await db.update(users).set(change).where(eq(users.id, id)).returning())[0];
}

/** By slug, from after `cursor`. */
export async function listUsers(db: Db, cursor: string | undefined, limit: number): Promise<UserRow[]> {
  return db
    .select()
    .from(users)
    .where(cursor === undefined ? undefined : gt(users.slug, cursor))
    .orderBy(asc(users.slug))
    .limit(limit);
}

/** People who may sign in and are in one of `groups`: an installation without such an administrator is locked out. */
export async function countEnabledInGroups(db: Db, groups: string[]): Promise<number> {
  if (!groups.length) return 0;
  const rows = await db
    .select({ count: sql<number>`count(*)::int` })
    .from(users)
    .where(and(isNull(users.disabledAt), sql`${users.groups} && ${sql.param(groups, users.groups)}`));
  return rows[0]!.count;
}
