/** Sign-ins of the command line. Each change of state is one conditional update: of two at once, one succeeds. */
import { and, count, eq, gt, isNull, lt } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { cliSignIns, users, webSessions } from '../schema.ts';

export type CliSignInRow = typeof cliSignIns.$inferSelect;
export type NewCliSignIn = Pick<
  typeof cliSignIns.$inferInsert,
  | 'kind'
  | 'codeHash'
  | 'userCodeHash'
  | 'state'
  | 'deviceName'
  | 'clientAddress'
  | 'scopes'
  | 'redirectUri'
  | 'codeChallenge'
  | 'intervalSeconds'
  | 'userId'
  | 'webSessionId'
  | 'createdAt'
  | 'expiresAt'
>;

/** Null where another has that user code. Rows that expired before `before` go. */
export async function insertCliSignIn(db: Db, row: NewCliSignIn, before: Date): Promise<CliSignInRow | null> {
  await db.delete(cliSignIns).where(lt(cliSignIns.expiresAt, before));
  return (await db.insert(cliSignIns).values(row).onConflictDoNothing().returning())[0] ?? null;
}

export async function countPendingDevices(db: Db, now: Date): Promise<number> {
  const [row] = await db
    .select({ count: count() })
    .from(cliSignIns)
    .where(and(eq(cliSignIns.state, 'pending'), gt(cliSignIns.expiresAt, now)));
  return row!.count;
}

export async function findCliSignIn(
  db: Db,
  kind: 'code' | 'device',
  codeHash: Buffer,
): Promise<CliSignInRow | undefined> {
  const rows = await db
    .select()
    .from(cliSignIns)
    .where(and(eq(cliSignIns.codeHash, codeHash), eq(cliSignIns.kind, kind)));
  return rows[0];
}

/** The device behind a user code, where nobody has decided on it and it is not over. */
export async function findPendingDevice(db: Db, userCodeHash: Buffer, now: Date): Promise<CliSignInRow | undefined> {
  const rows = await db
    .select()
    .from(cliSignIns)
    .where(
      and(eq(cliSignIns.userCodeHash, userCodeHash), eq(cliSignIns.state, 'pending'), gt(cliSignIns.expiresAt, now)),
    );
  return rows[0];
}

/** Undefined where somebody has decided already, or its time is over. */
export async function decideOnDevice(
  db: Db,
  userCodeHash: Buffer,
  decision: { state: 'approved' | 'denied'; userId: string; webSessionId: string },
  now: Date,
): Promise<CliSignInRow | undefined> {
  const rows = await db
    .update(cliSignIns)
    .set(decision)
    .where(
      and(eq(cliSignIns.userCodeHash, userCodeHash), eq(cliSignIns.state, 'pending'), gt(cliSignIns.expiresAt, now)),
    )
    .returning();
  return rows[0];
}

export async function notePoll(db: Db, id: string, polledAt: Date, intervalSeconds: number): Promise<void> {
  await db.update(cliSignIns).set({ polledAt, intervalSeconds }).where(eq(cliSignIns.id, id));
}

/** An approved one is used up, by the one caller that finds it so. */
export async function spendCliSignIn(db: Db, id: string, now: Date): Promise<boolean> {
  const rows = await db
    .update(cliSignIns)
    .set({ state: 'spent' })
    .where(and(eq(cliSignIns.id, id), eq(cliSignIns.state, 'approved'), gt(cliSignIns.expiresAt, now)))
    .returning({ id: cliSignIns.id });
  return rows.length > 0;
}

/** Who approved it, while they are not disabled and the sign-in that they did it in stands. */
export async function approverOf(db: Db, id: string, now: Date): Promise<{ id: string; email: string } | undefined> {
  const rows = await db
    .select({ id: users.id, email: users.email })
    .from(cliSignIns)
    .innerJoin(users, eq(users.id, cliSignIns.userId))
    .innerJoin(webSessions, eq(webSessions.id, cliSignIns.webSessionId))
    .where(
      and(eq(cliSignIns.id, id), isNull(users.disabledAt), isNull(webSessions.endedAt), gt(webSessions.expiresAt, now)),
    );
  return rows[0];
}

/** False where its code came a second time meanwhile. */
export async function noteToken(db: Db, id: string, tokenId: string): Promise<boolean> {
  const rows = await db.update(cliSignIns).set({ tokenId }).where(eq(cliSignIns.id, id)).returning();
  return rows[0]?.state === 'spent';
}

/** The row as it is from now on: its token, where it has one already, is whose it should not be. */
export async function noteReplay(db: Db, id: string): Promise<CliSignInRow | undefined> {
  return (await db.update(cliSignIns).set({ state: 'replayed' }).where(eq(cliSignIns.id, id)).returning())[0];
}

/** Whether the command line has that API token, and how its machine is called. */
export async function cliSignInOfToken(db: Db, tokenId: string): Promise<CliSignInRow | undefined> {
  return (await db.select().from(cliSignIns).where(eq(cliSignIns.tokenId, tokenId)))[0];
}
