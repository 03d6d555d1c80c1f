/** Browsers on their way to an origin of the proxy domain. Each step is one statement: of two at once, one is told. */
import { and, eq, gt, lt } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { entries } from '../schema.ts';

export type EntryRow = typeof entries.$inferSelect;

export async function insertEntry(db: Db, entry: EntryRow): Promise<void> {
  await db.insert(entries).values(entry);
}

/** The intent becomes a code, once, for the sign-in that it was made by. */
export async function intentToCode(
  db: Db,
  intent: { hash: Buffer; webSessionId: string; now: Date },
  code: { codeHash: Buffer; nonceHash: Buffer; expiresAt: Date },
): Promise<EntryRow | undefined> {
  const [row] = await db
    .update(entries)
    .set({ ...code, intentHash: null })
    .where(
      and(
        eq(entries.intentHash, intent.hash),
        eq(entries.webSessionId, intent.webSessionId),
        gt(entries.expiresAt, intent.now),
      ),
    )
    .returning();
  return row;
}

/** Whoever shows a code uses it up, rightly or not. */
export async function takeCode(db: Db, codeHash: Buffer): Promise<EntryRow | undefined> {
  return (await db.delete(entries).where(eq(entries.codeHash, codeHash)).returning())[0];
}

export async function dropEntries(db: Db, before: Date): Promise<void> {
  await db.delete(entries).where(lt(entries.expiresAt, before));
}
