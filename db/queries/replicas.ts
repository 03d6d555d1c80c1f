/** Portal processes and their leases. Times are the database's own: the clocks of machines differ. */
import { eq, lt, sql } from 'drizzle-orm';
import type { ReplicaSeen } from '../../server/domain/replica-lease.ts';
import type { Db } from '../client.ts';
import { replicas } from '../schema.ts';

/** Says that the replica lives. Called at its start and by its heartbeat. */
export async function beat(db: Db, id: string, startedAt: Date): Promise<void> {
  await db
    .insert(replicas)
    .values({ id, startedAt, seenAt: sql`now()` })
    .onConflictDoUpdate({ target: replicas.id, set: { startedAt, seenAt: sql`now()` } });
}

export async function forget(db: Db, id: string): Promise<void> {
  await db.delete(replicas).where(eq(replicas.id, id));
}

export async function replicasSeen(db: Db): Promise<ReplicaSeen[]> {
  // The clock itself: now() stands still in a transaction.
  const silentMs = sql<number>`(extract(epoch from clock_timestamp() - ${replicas.seenAt}) * 1000)::float8`;
  return db.select({ id: replicas.id, silentMs }).from(replicas);
}

/** Removes the rows of replicas that have been silent for so long. */
export async function forgetSilent(db: Db, ms: number): Promise<void> {
  await db.delete(replicas).where(lt(replicas.seenAt, sql`now() - make_interval(secs => ${ms / 1000})`));
}
