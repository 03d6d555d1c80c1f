/** Registered clusters. A removed one stays as a row, so that sessions and events keep their cluster's name. */
import { and, asc, count, eq, isNull, ne } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { accessSessions, clusters } from '../schema.ts';

export type ClusterRow = typeof clusters.$inferSelect;
export type NewCluster = Omit<ClusterRow, 'createdAt' | 'removedAt'>;

export async function listClusters(db: Db): Promise<ClusterRow[]> {
  return db.select().from(clusters).where(isNull(clusters.removedAt)).orderBy(asc(clusters.name));
}

/** Removed ones too. */
export async function findCluster(db: Db, id: string): Promise<ClusterRow | undefined> {
  return (await db.select().from(clusters).where(eq(clusters.id, id)))[0];
}

export async function findClusterNamed(db: Db, name: string): Promise<ClusterRow | undefined> {
  return (
    await db
      .select()
      .from(clusters)
      .where(and(eq(clusters.name, name), isNull(clusters.removedAt)))
  )[0];
}

/** Terminal sessions that stand on it. */
export async function countShells(db: Db, clusterId: string): Promise<number> {
  const shells = and(eq(accessSessions.clusterId, clusterId), eq(accessSessions.channel, 'terminal'));
  const [row] = await db
    .select({ shells: count() })
    .from(accessSessions)
    .where(and(shells, ne(accessSessions.state, 'ended')));
  return row!.shells;
}

/** Undefined where the name is taken. */
export async function insertCluster(db: Db, cluster: NewCluster): Promise<ClusterRow | undefined> {
  return (await db.insert(clusters).values(cluster).onConflictDoNothing().returning())[0];
}

export async function updateCluster(
  db: Db,
  id: string,
  change: Partial<Omit<NewCluster, 'id'>>,
): Promise<ClusterRow | undefined> {
  return (
    await db
      .update(clusters)
      .set(change)
      .where(and(eq(clusters.id, id), isNull(clusters.removedAt)))
      .returning()
  )[0];
}

/**
 * Gives the name back, so that the cluster can be registered again, and forgets its credential. False where there was
 * no such cluster.
 */
export async function removeCluster(db: Db, id: string, now: Date): Promise<boolean> {
  const [row] = await db
    .select({ name: clusters.name })
    .from(clusters)
    .where(and(eq(clusters.id, id), isNull(clusters.removedAt)));
  if (!row) return false;
  const changed = await db
    .update(clusters)
    .set({ removedAt: now, credential: Buffer.alloc(0), name: `${row.name} (removed ${now.toISOString()})` })
    .where(and(eq(clusters.id, id), isNull(clusters.removedAt)))
    .returning({ id: clusters.id });
  return changed.length > 0;
}
