/** People: who signed in, and local users. */
import { and, asc, eq, gt, inArray, isNull, ne, sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { users } from '../schema.ts';

export type UserRow = typeof users.$inferSelect;
export type NewUser = Pick<typeof users.$inferInsert, 'provider' | 'issuer' | 'subject' | 'email' | 'name' | 'slug'> & {
  groups: string[];
  passwordHash?: string | null;
  /** Of a service user. */
  ownerId?: string | null;
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
  change: Partial<
    Pick<UserRow, 'email' | 'name' | 'groups' | 'passwordHash' | 'ownerId' | 'disabledAt' | 'lastSignInAt'>
  >,
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

/** Service users that a person answers for, by slug. */
export async function listOwnedUsers(db: Db, ownerId: string, limit: number): Promise<UserRow[]> {
  return db
    .select()
    .from(users)
    .where(and(eq(users.ownerId, ownerId), eq(users.provider, 'service')))
    .orderBy(asc(users.slug))
    .limit(limit);
}

/** The names and addresses that some users are known by. */
export async function namesOfUsers(db: Db, ids: string[]): Promise<Pick<UserRow, 'id' | 'name' | 'email'>[]> {
  if (!ids.length) return [];
  return db.select({ id: users.id, name: users.name, email: users.email }).from(users).where(inArray(users.id, ids));
}

/** People who may sign in and are in one of `groups`: an installation without such an administrator is locked out. */
export async function countEnabledInGroups(db: Db, groups: string[]): Promise<number> {
  if (!groups.length) return 0;
  const rows = await db
    .select({ count: sql<number>`count(*)::int` })
    .from(users)
    .where(
      and(
        isNull(users.disabledAt),
        // A program administers nothing for people who are locked out.
        ne(users.provider, 'service'),
        sql`${users.groups} && ${sql.param(groups, users.groups)}`,
      ),
    );
  return rows[0]!.count;
}

/** Enabled people with that email, in whatever case; of several providers there may be several. */
export async function findUsersByEmail(db: Db, email: string): Promise<UserRow[]> {
  return db
    .select()
    .from(users)
    .where(
      and(eq(sql`lower(${users.email})`, email.toLowerCase()), isNull(users.disabledAt), ne(users.provider, 'service')),
    )
    .limit(2);
}
