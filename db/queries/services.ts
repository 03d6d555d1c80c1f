/** Services in the browser: what a session of channel `service` is for. */
import { and, desc, eq, gt, inArray, isNull, sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { accessSessions, clusters, services } from '../schema.ts';

export type ServiceRow = typeof services.$inferSelect;
export type OpenedService = ServiceRow & {
  state: string;
  role: string;
  cluster: { id: string; name: string; production: boolean };
  openedAt: Date;
  lastInputAt: Date;
  hardCapAt: Date;
};

export async function insertService(db: Db, service: ServiceRow): Promise<void> {
  await db.insert(services).values(service);
}

export async function findService(db: Db, sessionId: string): Promise<ServiceRow | undefined> {
  return (await db.select().from(services).where(eq(services.sessionId, sessionId)))[0];
}

/** A session with that label that stands, of that role and sign-in: opened once more it is gone on with. */
export async function standingService(
  db: Db,
  { label, role, webSessionId, now }: { label: string; role: string; webSessionId: string; now: Date },
): Promise<{ id: string; hardCapAt: Date } | undefined> {
  const [found] = await db
    .select({ id: accessSessions.id, hardCapAt: accessSessions.hardCapAt })
    .from(services)
    .innerJoin(accessSessions, eq(accessSessions.id, services.sessionId))
    .where(
      and(
        eq(services.label, label),
        eq(accessSessions.role, role),
        eq(accessSessions.webSessionId, webSessionId),
        inArray(accessSessions.state, ['active', 'dormant']),
        gt(accessSessions.hardCapAt, now),
      ),
    )
    .orderBy(desc(accessSessions.openedAt))
    .limit(1);
  return found;
}

/** The last session of each service that a person has opened, newest first. */
export async function listServices(db: Db, userId: string, limit: number): Promise<OpenedService[]> {
  const last = sql`(
    select distinct on (${services.label}) ${services.sessionId}
    from ${services} join ${accessSessions} on ${accessSessions.id} = ${services.sessionId}
    where ${accessSessions.userId} = ${userId}
    order by ${services.label}, ${accessSessions.openedAt} desc
  )`;
  const rows = await db
    .select({ service: services, session: accessSessions, cluster: clusters })
    .from(services)
    .innerJoin(accessSessions, eq(accessSessions.id, services.sessionId))
    .innerJoin(clusters, eq(clusters.id, accessSessions.clusterId))
    .where(and(sql`${services.sessionId} in ${last}`, isNull(clusters.removedAt)))
    .orderBy(desc(accessSessions.openedAt))
    .limit(limit);
  return rows.map(({ service, session, cluster }) => ({
    ...service,
    state: session.state,
    role: session.role,
    cluster: { id: cluster.id, name: cluster.name, production: cluster.production },
    openedAt: session.openedAt,
    lastInputAt: session.lastInputAt,
    hardCapAt: session.hardCapAt,
  }));
}
