/** Signed links: what a session of channel `link` opens, and how often. */
import { and, desc, eq, inArray, isNull, lt, or, sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { accessSessions, clusters, links, users } from '../schema.ts';

export type LinkRow = typeof links.$inferSelect;
export type ListedLink = LinkRow & {
  /** Of the only person who may use it. */
  recipient: string | null;
  state: string;
  role: string;
  cluster: { id: string; name: string; production: boolean };
  openedAt: Date;
  lastInputAt: Date;
  hardCapAt: Date;
};

export async function insertLink(db: Db, link: Omit<LinkRow, 'uses'>): Promise<void> {
  await db.insert(links).values(link);
}

export async function findLink(db: Db, sessionId: string): Promise<LinkRow | undefined> {
  return (await db.select().from(links).where(eq(links.sessionId, sessionId)))[0];
}

/** False where it has been used as often as it may: of several at once no more than that many are told true. */
export async function spendLink(db: Db, sessionId: string): Promise<boolean> {
  const spent = await db
    .update(links)
    .set({ uses: sql`${links.uses} + 1` })
    .where(and(eq(links.sessionId, sessionId), or(isNull(links.usesMax), lt(links.uses, links.usesMax))))
    .returning({ id: links.sessionId });
  return spent.length > 0;
}

/** A person's that stand, newest first; or the one of them. */
export async function listLinks(
  db: Db,
  { userId, id }: { userId: string; id?: string | undefined },
  limit: number,
): Promise<ListedLink[]> {
  const standing = inArray(accessSessions.state, ['active', 'dormant']);
  const rows = await db
    .select({ link: links, session: accessSessions, cluster: clusters, recipient: users.email })
    .from(links)
    .innerJoin(accessSessions, eq(accessSessions.id, links.sessionId))
    .innerJoin(clusters, eq(clusters.id, accessSessions.clusterId))
    .leftJoin(users, eq(users.id, links.recipientId))
    .where(and(eq(accessSessions.userId, userId), standing, id === undefined ? undefined : eq(links.sessionId, id)))
    .orderBy(desc(accessSessions.openedAt))
    .limit(limit);
  return rows.map(({ link, session, cluster, recipient }) => ({
    ...link,
    recipient,
    state: session.state,
    role: session.role,
    cluster: { id: cluster.id, name: cluster.name, production: cluster.production },
    openedAt: session.openedAt,
    lastInputAt: session.lastInputAt,
    hardCapAt: session.hardCapAt,
  }));
}
