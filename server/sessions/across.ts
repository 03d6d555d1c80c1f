/**
 * Sessions that this replica does not hold. Where their replica lives it is told what to do with them; where it is
 * dead, one of the living ends what has lost its ground or outlived its clocks. What still has time waits: the replica
 * that comes back with the same data directory takes it up.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { replicasSeen } from '../../db/queries/replicas.ts';
import {
  beginEnding,
  findSession,
  revokedOf,
  sessionsOf,
  unfinishedNotOf,
  type SessionWithNames,
} from '../../db/queries/sessions.ts';
import { leftAlone, type EndReason } from '../domain/access-session.ts';
import { isSteward, livingOthers } from '../domain/replica-lease.ts';
import { endRow, type Ending, type EndingDeps } from './ending.ts';

/** Its replica hangs up the shell, removes account and container: seconds where the cluster is slow. */
const ELSEWHERE_MS = 10_000;
const LOOK_MS = 100;

export type AcrossDeps = EndingDeps & {
  replica: string;
  /** Tells every replica that the session's row has changed. */
  announce(session: string): Promise<void>;
};

/** Whether another replica, which lives, holds the session. */
export async function heldElsewhere(deps: Pick<AcrossDeps, 'db' | 'replica'>, row: SessionWithNames): Promise<boolean> {
  if (row.replica === null || row.replica === deps.replica) return false;
  return livingOthers(await replicasSeen(deps.db), deps.replica).includes(row.replica);
}

/** Resolves when the session has ended, or its replica, which knows, takes longer than {@link ELSEWHERE_MS}. */
export async function endNotHeld(deps: AcrossDeps, row: SessionWithNames, ending: Ending): Promise<void> {
  if (!(await heldElsewhere(deps, row))) return endRow(deps, row, ending);
  const { reason, detail = null, exitCode = null } = ending;
  await beginEnding(deps.db, row.id, { reason, detail, exitCode });
  await deps.announce(row.id);
  const end = performance.now() + ELSEWHERE_MS;
  while (performance.now() < end) {
    if ((await findSession(deps.db, row.id))?.state === 'ended') return;
    await pause(LOOK_MS);
  }
}

/** Of the sessions that this replica holds, those that another has ended, and why. */
export async function endedByOthers(
  deps: Pick<AcrossDeps, 'db'>,
  held: string[],
): Promise<{ id: string; ending: Ending }[]> {
  const found = await sessionsOf(deps.db, held, ['ending', 'ended']);
  return found.map((row) => {
    const reason = row.endReason as EndReason;
    const by = reason === 'ended-by-person' ? row.user : null;
    return { id: row.id, ending: { reason, detail: row.endDetail, exitCode: row.exitCode, by } };
  });
}

/** Sessions of dead replicas; nothing where another of the living looks after them. Throws what the database says. */
export async function tendOrphans(deps: AcrossDeps): Promise<void> {
  const seen = await replicasSeen(deps.db);
  if (!isSteward(seen, deps.replica)) return;
  const living = [deps.replica, ...livingOthers(seen, deps.replica)];
  const orphans = await unfinishedNotOf(deps.db, living);
  if (orphans.length === 0) return;
  const revoked = new Map((await revokedOf(deps.db, { ids: orphans.map(({ id }) => id) })).map((one) => [one.id, one]));
  const now = deps.now();
  for (const row of orphans) {
    const silentMs = seen.find(({ id }) => id === row.replica)?.silentMs;
    const leftAt = silentMs === undefined ? row.lastInputAt : new Date(now.getTime() - silentMs);
    const ending = revoked.get(row.id) ?? leftAlone(row, leftAt, now);
    if (ending) await endRow(deps, row, ending);
  }
}
