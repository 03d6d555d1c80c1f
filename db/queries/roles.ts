/** Roles. */
import { asc, eq } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { roles } from '../schema.ts';

export type RoleRow = typeof roles.$inferSelect;
export type NewRole = Omit<typeof roles.$inferInsert, 'updatedAt'>;

export async function listRoles(db: Db): Promise<RoleRow[]> {
  return db.select().from(roles).orderBy(asc(roles.name));
}

export async function upsertRole(db: Db, role: NewRole, now: Date): Promise<RoleRow> {
  const row = { ...role, updatedAt: now };
  return (await db.insert(roles).values(row).onConflictDoUpdate({ target: roles.name, set: row }).returning())[0]!;
}

export async function deleteRole(db: Db, name: string): Promise<boolean> {
  return (await db.delete(roles).where(eq(roles.name, name)).returning({ name: roles.name })).length > 0;
}
