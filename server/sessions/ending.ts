/** The end of a session: whatever else fails, nobody can do anything with it any more, and what is left is known. */
import { beginEnding, findSession, finishEnding, type SessionRow } from '../../db/queries/sessions.ts';
import type { Db } from '../../db/client.ts';
import type { EndReason } from '../domain/access-session.ts';
import type { SandboxRuntime } from '../ports/sandbox-runtime.ts';
import { settledWithin } from './bounds.ts';
import type { LiveSession } from './live-session.ts';
import type { AccountsPart, AuditPart, GatewayPart, Log } from './parts.ts';

/** For the last words of programs that were hung up; they are recorded. */
const DRAIN_MS = 2_000;
/** An opening that is cut stops within a round trip to the engine. */
const STOP_OPENING_MS = 15_000;
/** A cluster that does not answer must not hold up the others. */
const CLUSTER_PATIENCE_MS = 10_000;

export type Ending = {
  reason: EndReason;
  detail?: string | null;
  exitCode?: number | null;
  /** The person who ended it; null where it ended by itself. */
  by?: { id: string; email: string } | null;
  correlationId?: string | null;
};

export type EndingDeps = {
  db: Db;
  runtime: Pick<SandboxRuntime, 'list' | 'removeContainer'>;
  accounts: Pick<AccountsPart, 'remove'>;
  gateway: Pick<GatewayPart, 'cut'>;
  audit: AuditPart;
  now: () => Date;
  log: Log;
  /** Told where something is left to the reaper. */
  left: () => void;
};

export type RemovalDeps = Pick<EndingDeps, 'runtime' | 'accounts' | 'log'>;

/** Writes the end of a session whose row could not be written; true once it is. */
export type Unwritten = () => Promise<boolean>;

/**
 * Ends a session that this process holds. Never throws: what could not be removed is left to the reaper, and the row
 * says so. Where even the row could not be written: what writes it, to be called again until it is.
 */
export async function endLive(deps: EndingDeps, live: LiveSession, ending: Ending): Promise<Unwritten | null> {
  const { reason, detail = null, exitCode = null } = ending;
  // Before anything that waits: no further call to the cluster, as the session is not alive, and an end to the rest.
  live.row = { ...live.row, state: 'ending', endReason: reason, endDetail: detail, exitCode };
  const cut = attempt(deps, live.id, 'the calls under way', deps.gateway.cut(live.id));
  live.abort.abort(new Error('the session ends'));
  live.push();
  const begun = await attempt(deps, live.id, 'the row', beginEnding(deps.db, live.id, { reason, detail, exitCode }));
  const account = attempt(deps, live.id, 'the cluster account', live.account.remove());
  const sandbox = attempt(deps, live.id, 'the sandbox', removeSandbox(live, reason));
  const clean = (await Promise.all([account, sandbox, cut])).every(Boolean);
  const recordedBytes = Math.max(live.row.recordedBytes, live.sandbox?.terminal.recordedBytes ?? 0);
  live.row = { ...live.row, state: 'ended', endedAt: deps.now(), detachedAt: null, recordedBytes };
  return finish(deps, live.row, ending, { begun, clean });
}

async function removeSandbox(live: LiveSession, reason: EndReason): Promise<void> {
  await settledWithin(live.started, STOP_OPENING_MS);
  if (!live.sandbox) return;
  try {
    await live.sandbox.terminal.end(reason, DRAIN_MS);
  } finally {
    await live.sandbox.sandbox.remove();
  }
}

/**
 * Ends a session by its row alone: it is no terminal that runs in this process. Replicas through which a kubeconfig's
 * calls go have heard of it, and cut them, before its account is removed.
 */
export async function endRow(
  deps: EndingDeps & { announce(session: string): Promise<void> },
  row: SessionRow,
  ending: Ending,
): Promise<void> {
  const { reason, detail = null, exitCode = null } = ending;
  const begun = await beginEnding(deps.db, row.id, { reason, detail, exitCode });
  const now = begun ? row : await findSession(deps.db, row.id);
  if (!now || now.state === 'ended') return;
  // An ending that was begun before keeps its reason.
  const why: Ending = begun
    ? ending
    : { reason: (now.endReason ?? reason) as EndReason, detail: now.endDetail, exitCode: now.exitCode };
  if (row.channel !== 'terminal') await deps.announce(row.id);
  const clean = await removeLeftovers(deps, now);
  await finish(deps, { ...now, endedAt: deps.now() }, why, { begun: true, clean });
}

/** Removes account, bindings and container of a session by its ids; true where all of it is known to be gone. */
export async function removeLeftovers(deps: RemovalDeps, row: SessionRow): Promise<boolean> {
  const signal = AbortSignal.timeout(CLUSTER_PATIENCE_MS);
  const account = attempt(deps, row.id, 'the cluster account', deps.accounts.remove(row.clusterId, row.id, signal));
  const container =
    row.channel === 'terminal' ? attempt(deps, row.id, 'the sandbox', removeContainers(deps, row.id)) : true;
  return (await Promise.all([account, container])).every(Boolean);
}

async function removeContainers(deps: RemovalDeps, session: string): Promise<void> {
  const found = (await deps.runtime.list()).filter((summary) => summary.sandbox === session);
  await Promise.all(found.map((summary) => deps.runtime.removeContainer(summary.container)));
}

async function finish(
  deps: EndingDeps,
  row: SessionRow,
  ending: Ending,
  { begun, clean }: { begun: boolean; clean: boolean },
): Promise<Unwritten | null> {
  const { reason, detail = null, exitCode = null, by, correlationId = null } = ending;
  const event = {
    at: row.endedAt!,
    code: 'session.ended' as const,
    actorId: by?.id ?? null,
    actor: by?.email ?? 'portal',
    sessionId: row.id,
    clusterId: row.clusterId,
    clientAddress: null,
    correlationId,
    detail: { reason, detail, exitCode },
  };
  const facts = {
    endedAt: row.endedAt!,
    cleanupPending: !clean,
    recordedBytes: row.recordedBytes,
    steps: row.steps,
  };
  let told = false;
  // A beginning that could not be written is written with the end: it holds the reason.
  const why = begun ? null : { reason, detail, exitCode };
  const write: Unwritten = async () => {
    // The fact before the row: a crash between the two tells it twice rather than never.
    told ||= await attempt(deps, row.id, 'the audit event', deps.audit.record(event));
    return attempt(deps, row.id, 'the row', endingOf(deps.db, row.id, why, facts));
  };
  const written = await write();
  if (!clean || !written) deps.left();
  deps.log.info({ session: row.id, reason, clean }, 'session ended');
  return written ? null : write;
}

async function endingOf(
  db: Db,
  id: string,
  why: Parameters<typeof beginEnding>[2] | null,
  facts: Parameters<typeof finishEnding>[2],
): Promise<void> {
  if (why) await beginEnding(db, id, why);
  await finishEnding(db, id, facts);
}

/** True where the work was done; a failure is logged and left to the reaper. */
async function attempt(
  deps: Pick<EndingDeps, 'log'>,
  session: string,
  what: string,
  work: Promise<unknown>,
): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (err) {
    deps.log.warn({ err, session }, `ending: ${what} failed; the reaper tries again`);
    return false;
  }
}
