/** Small facts of the installation, each written once. */
import { eq } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { settings } from '../schema.ts';

/** The value that is there, or else `fallback`, which then is there for all replicas alike. */
export async function settleSetting<T>(db: Db, key: string, fallback: T): Promise<T> {
  await db.insert(settings).values({ key, value: fallback }).onConflictDoNothing();
  const [row] = await db.select().from(settings).where(eq(settings.key, key));
  return row!.value as T;
}

/** True for the one caller that sets `key` first. */
export async function claimSetting(db: Db, key: string, value: unknown): Promise<boolean> {
  const rows = await db.insert(settings).values({ key, value }).onConflictDoNothing().returning({ key: settings.key });
  return rows.length > 0;
}
