/** Access sessions' rows. Only server/sessions writes them. */
import { and, count, desc, eq, exists, inArray, isNull, lt, lte, ne, notInArray, or, sql, type SQL } from 'drizzle-orm';
import { OWN_TOOLS, type Channel, type EndReason, type SessionState } from '../../server/domain/access-session.ts';
import type { Db } from '../client.ts';
import { accessSessions, apiTokens, clusters, linkKeys, links, roles, users, webSessions } from '../schema.ts';

export type SessionRow = typeof accessSessions.$inferSelect;
export type NewSession = typeof accessSessions.$inferInsert;

/** A row with the names that people know its ends by. */
export type SessionWithNames = SessionRow & {
  user: { id: string; name: string; email: string };
  cluster: { id: string; name: string; production: boolean; namespace: string };
};

const live: SessionState[] = ['opening', 'active'];
/** What can still do something, or can be woken to. */
const standing: SessionState[] = [...live, 'dormant'];
/** What has, or may have, something on its cluster. A dormant session's account is a leftover. */
const unfinished: SessionState[] = [...live, 'ending'];

/**
 * Inserts the row unless the person has `max` unfinished sessions of that channel: then null. Two openings at once
 * are decided one after the other, by a lock on the person's row.
 */
export async function insertSession(db: Db, session: NewSession, max: number): Promise<SessionRow | null> {
  return db.transaction(async (tx) => {
    await tx.select({ id: users.id }).from(users).where(eq(users.id, session.userId)).for('update');
    const [open] = await tx
      .select({ count: count() })
      .from(accessSessions)
      .where(
        and(
          eq(accessSessions.userId, session.userId),
          eq(accessSessions.channel, session.channel),
          inArray(accessSessions.state, [...unfinished, 'dormant']),
        ),
      );
    if (open!.count >= max) return null;
    const [row] = await tx.insert(accessSessions).values(session).returning();
    return row!;
  });
}

const named = {
  session: accessSessions,
  user: { id: users.id, name: users.name, email: users.email },
  cluster: { id: clusters.id, name: clusters.name, production: clusters.production, namespace: clusters.namespace },
};

function selectNamed(db: Db) {
  return db
    .select(named)
    .from(accessSessions)
    .innerJoin(users, eq(users.id, accessSessions.userId))
    .innerJoin(clusters, eq(clusters.id, accessSessions.clusterId));
}

const flatten = (row: Awaited<ReturnType<typeof selectNamed>>[number]): SessionWithNames => ({
  ...row.session,
  user: row.user,
  cluster: row.cluster,
});

export async function findSession(db: Db, id: string): Promise<SessionWithNames | null> {
  const [row] = await selectNamed(db).where(eq(accessSessions.id, id));
  return row ? flatten(row) : null;
}

export type SessionFilter = {
  channel?: Channel;
  states?: SessionState[];
  userId?: string;
  /** A cluster's id. */
  clusterId?: string;
  /** Only what was opened before this one, the last of the page before. */
  after?: { openedAt: Date; id: string };
  limit: number;
};

/** Newest first. */
export async function listSessions(db: Db, filter: SessionFilter): Promise<SessionWithNames[]> {
  const conditions: (SQL | undefined)[] = [
    filter.channel && eq(accessSessions.channel, filter.channel),
    filter.states && inArray(accessSessions.state, filter.states),
    filter.userId === undefined ? undefined : eq(accessSessions.userId, filter.userId),
    filter.clusterId === undefined ? undefined : eq(accessSessions.clusterId, filter.clusterId),
    filter.after &&
      or(
        lt(accessSessions.openedAt, filter.after.openedAt),
        and(eq(accessSessions.openedAt, filter.after.openedAt), lt(accessSessions.id, filter.after.id)),
      ),
  ];
  const rows = await selectNamed(db)
    .where(and(...conditions))
    .orderBy(desc(accessSessions.openedAt), desc(accessSessions.id))
    .limit(filter.limit);
  return rows.map(flatten);
}

export type SessionFacts = Partial<
  Pick<
    SessionRow,
    'container' | 'steps' | 'lastInputAt' | 'detachedAt' | 'recordedBytes' | 'exitCode' | 'cleanupPending' | 'replica'
  >
>;

/** Facts that no state depends on. */
export async function noteSession(db: Db, id: string, facts: SessionFacts): Promise<void> {
  await db.update(accessSessions).set(facts).where(eq(accessSessions.id, id));
}

/**
 * A page came, by that sign-in or API token. A session whose own sign-in has expired is from now on that of the sign-in
 * its person came back with: signing out of that ends it.
 */
export async function noteAttached(db: Db, id: string, proof: string, now: Date): Promise<void> {
  await noteSession(db, id, { detachedAt: null });
  const expired = db
    .select({ id: webSessions.id })
    .from(webSessions)
    .where(and(eq(webSessions.id, accessSessions.webSessionId), lte(webSessions.expiresAt, now)));
  const signIn = db.select({ id: webSessions.id }).from(webSessions).where(eq(webSessions.id, proof));
  await db
    .update(accessSessions)
    .set({ webSessionId: proof })
    .where(and(eq(accessSessions.id, id), exists(expired), exists(signIn)));
}

/** False where the session is not opening any more. */
export async function activateSession(db: Db, id: string, facts: SessionFacts): Promise<boolean> {
  const rows = await db
    .update(accessSessions)
    .set({ ...facts, state: 'active' })
    .where(and(eq(accessSessions.id, id), eq(accessSessions.state, 'opening')))
    .returning({ id: accessSessions.id });
  return rows.length > 0;
}

/** Moves the idle clock forward, never back. */
export async function noteInput(db: Db, id: string, at: Date): Promise<void> {
  await db
    .update(accessSessions)
    .set({ lastInputAt: at })
    .where(and(eq(accessSessions.id, id), lt(accessSessions.lastInputAt, at), inArray(accessSessions.state, live)));
}

export type Ending = { reason: EndReason; detail: string | null; exitCode: number | null };

/** The first who ends a session says why: false where somebody did so before. */
export async function beginEnding(db: Db, id: string, ending: Ending): Promise<boolean> {
  const rows = await db
    .update(accessSessions)
    .set({ state: 'ending', endReason: ending.reason, endDetail: ending.detail, exitCode: ending.exitCode })
    .where(and(eq(accessSessions.id, id), inArray(accessSessions.state, standing)))
    .returning({ id: accessSessions.id });
  return rows.length > 0;
}

/** False where it was ended already. */
export async function finishEnding(
  db: Db,
  id: string,
  facts: { endedAt: Date; cleanupPending: boolean; recordedBytes?: number; steps?: SessionRow['steps'] },
): Promise<boolean> {
  const rows = await db
    .update(accessSessions)
    // The host's secret is of no use any more.
    .set({ ...facts, state: 'ended', hostSecret: null, detachedAt: null })
    .where(and(eq(accessSessions.id, id), ne(accessSessions.state, 'ended')))
    .returning({ id: accessSessions.id });
  return rows.length > 0;
}

/** A new lease on the session's host, newer than every one before. */
export async function takeLease(db: Db, id: string, replica: string): Promise<number> {
  const [row] = await db
    .update(accessSessions)
    .set({ generation: sql`${accessSessions.generation} + 1`, replica })
    .where(eq(accessSessions.id, id))
    .returning({ generation: accessSessions.generation });
  if (!row) throw new Error(`there is no session ${id}`);
  return row.generation;
}

/** What this replica has begun and not finished. */
export async function unfinishedOf(db: Db, replica: string): Promise<SessionWithNames[]> {
  const rows = await selectNamed(db).where(
    and(eq(accessSessions.replica, replica), inArray(accessSessions.state, unfinished)),
  );
  return rows.map(flatten);
}

/** Terminal sessions that replicas other than these have begun and not finished: a kubeconfig's are nobody's own. */
export async function unfinishedNotOf(db: Db, living: string[]): Promise<SessionWithNames[]> {
  const theirs = or(isNull(accessSessions.replica), notInArray(accessSessions.replica, living));
  return (
    await selectNamed(db).where(
      and(theirs, inArray(accessSessions.state, unfinished), eq(accessSessions.channel, 'terminal')),
    )
  ).map(flatten);
}

/** Those of `ids` that are in one of the states. */
export async function sessionsOf(db: Db, ids: string[], states: SessionState[]): Promise<SessionWithNames[]> {
  if (ids.length === 0) return [];
  const rows = await selectNamed(db).where(and(inArray(accessSessions.id, ids), inArray(accessSessions.state, states)));
  return rows.map(flatten);
}

/** Every session that stands on a cluster, whoever holds it. */
export async function liveOn(db: Db, clusterId: string): Promise<string[]> {
  const rows = await db
    .select({ id: accessSessions.id })
    .from(accessSessions)
    .where(and(eq(accessSessions.clusterId, clusterId), inArray(accessSessions.state, standing)));
  return rows.map(({ id }) => id);
}

/** Ended or dormant, with leftovers that are not known to be gone. Oldest first. */
export async function awaitingCleanup(db: Db, limit: number): Promise<SessionRow[]> {
  return db
    .select()
    .from(accessSessions)
    .where(and(inArray(accessSessions.state, ['ended', 'dormant']), eq(accessSessions.cleanupPending, true)))
    .orderBy(accessSessions.endedAt)
    .limit(limit);
}

/** Those of `ids` that are unfinished sessions: what belongs to them is no leftover. */
export async function unfinishedAmong(db: Db, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db
    .select({ id: accessSessions.id })
    .from(accessSessions)
    .where(and(inArray(accessSessions.id, [...ids]), inArray(accessSessions.state, unfinished)));
  return new Set(rows.map((row) => row.id));
}

export type Revocation = { id: string; reason: 'signed-out' | 'revoked'; detail: string };

/**
 * Standing sessions of the replica, of `ids` or of a channel, whose ground is gone: their person signed out or was
 * disabled or lost the role, or the role, the cluster or the key that signed a link was removed.
 */
export async function revokedOf(
  db: Db,
  whose: { replica: string } | { ids: string[] } | { channels: readonly Channel[] },
): Promise<Revocation[]> {
  const chosen =
    'ids' in whose
      ? inArray(accessSessions.id, whose.ids)
      : 'channels' in whose
        ? inArray(accessSessions.channel, [...whose.channels])
        : eq(accessSessions.replica, whose.replica);
  const rows = await db
    .select({
      id: accessSessions.id,
      signedOut: sql<boolean>`${webSessions.endedAt} is not null`,
      disabled: sql<boolean>`${users.disabledAt} is not null`,
      clusterRemoved: sql<boolean>`${clusters.removedAt} is not null`,
      roleRemoved: sql<boolean>`${roles.name} is null or cardinality(${roles.clusterRoles}) = 0`,
      roleLost: sql<boolean>`not coalesce(${roles.groups} && ${users.groups}, false)`,
      tokenRevoked: sql<boolean>`${apiTokens.revokedAt} is not null`,
      keyRemoved: sql<boolean>`${linkKeys.removedAt} is not null`,
    })
    .from(accessSessions)
    .innerJoin(users, eq(users.id, accessSessions.userId))
    .innerJoin(clusters, eq(clusters.id, accessSessions.clusterId))
    .leftJoin(roles, eq(roles.name, accessSessions.role))
    .leftJoin(webSessions, eq(webSessions.id, accessSessions.webSessionId))
    .leftJoin(apiTokens, eq(apiTokens.id, accessSessions.apiTokenId))
    .leftJoin(links, eq(links.sessionId, accessSessions.id))
    .leftJoin(linkKeys, eq(linkKeys.id, links.keyId))
    .where(and(chosen, inArray(accessSessions.state, standing)));
  return rows.flatMap((row): Revocation[] => {
    if (row.disabled) return [{ id: row.id, reason: 'revoked', detail: 'The user was disabled.' }];
    if (row.clusterRemoved) return [{ id: row.id, reason: 'revoked', detail: 'The cluster was removed.' }];
    if (row.roleRemoved) return [{ id: row.id, reason: 'revoked', detail: 'The role was removed.' }];
    if (row.roleLost) return [{ id: row.id, reason: 'revoked', detail: 'The user no longer has the role.' }];
    if (row.signedOut) return [{ id: row.id, reason: 'signed-out', detail: 'The person signed out.' }];
    if (row.tokenRevoked)
      return [{ id: row.id, reason: 'revoked', detail: 'The API token that it was made with was revoked.' }];
    if (row.keyRemoved) return [{ id: row.id, reason: 'revoked', detail: 'The key that signed it was removed.' }];
    return [];
  });
}

/** Sessions of people's own tools that nobody has used for their idle time, from now on dormant: their accounts are leftovers. */
export async function sleepIdle(db: Db, now: Date): Promise<SessionRow[]> {
  const idleSince = sql`${accessSessions.lastInputAt} + ${accessSessions.idleMs} * interval '1 millisecond'`;
  return db
    .update(accessSessions)
    .set({ state: 'dormant', cleanupPending: true })
    .where(
      and(
        inArray(accessSessions.channel, [...OWN_TOOLS]),
        eq(accessSessions.state, 'active'),
        sql`${idleSince} <= ${now.toISOString()}::timestamptz`,
      ),
    )
    .returning();
}

/** False where the session is not dormant any more: another replica was first, or it has ended. */
export async function wakeSession(db: Db, id: string, now: Date): Promise<boolean> {
  const rows = await db
    .update(accessSessions)
    .set({ state: 'active', lastInputAt: now, cleanupPending: true })
    .where(and(eq(accessSessions.id, id), eq(accessSessions.state, 'dormant')))
    .returning({ id: accessSessions.id });
  return rows.length > 0;
}

/** Sessions of people's own tools that stand and have reached their longest time. */
export async function outlived(db: Db, now: Date): Promise<string[]> {
  const rows = await db
    .select({ id: accessSessions.id })
    .from(accessSessions)
    .where(
      and(
        inArray(accessSessions.channel, [...OWN_TOOLS]),
        inArray(accessSessions.state, standing),
        lte(accessSessions.hardCapAt, now),
      ),
    );
  return rows.map(({ id }) => id);
}
