/** Portal processes and their leases. */
import { eq, gte, lt } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { replicas } from '../schema.ts';

/** Says that the replica lives. Called at its start and by its heartbeat. */
export async function beat(db: Db, id: string, startedAt: Date, now: Date): Promise<void> {
  await db
    .insert(replicas)
    .values({ id, startedAt, seenAt: now })
    .onConflictDoUpdate({ target: replicas.id, set: { startedAt, seenAt: now } });
}

export async function forget(db: Db, id: string): Promise<void> {
  await db.delete(replicas).where(eq(replicas.id, id));
}

/** Replicas that were seen since. */
export async function liveReplicas(db: Db, since: Date): Promise<string[]> {
  const rows = await db.select({ id: replicas.id }).from(replicas).where(gte(replicas.seenAt, since));
  return rows.map(({ id }) => id);
}

/** Removes the rows of replicas that have not been seen since. */
export async function forgetSilent(db: Db, since: Date): Promise<void> {
  await db.delete(replicas).where(lt(replicas.seenAt, since));
}
