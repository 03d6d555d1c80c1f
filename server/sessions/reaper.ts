/**
 * Makes container engine and clusters agree with the database, at the start and every minute: what carries this
 * portal's label and belongs to no unfinished session is removed; what does not carry it is never touched, nor is a
 * container that another living replica has made: it may be of its warm pool, or on its way out.
 */
import type { Db } from '../../db/client.ts';
import { awaitingCleanup, noteSession, unfinishedAmong } from '../../db/queries/sessions.ts';
import type { SandboxRuntime } from '../ports/sandbox-runtime.ts';
import { each } from './bounds.ts';
import { removeLeftovers, type RemovalDeps } from './ending.ts';
import type { AccountsPart, AuditPart, ClustersPart, Log } from './parts.ts';

/** A cluster that does not answer is looked at again at the next round. */
const CLUSTER_PATIENCE_MS = 15_000;
/** Sessions whose leftovers are tried again in one round. */
const BATCH = 200;
/** From the folder of a sandbox that another replica makes to its container, which is listed, passes much less. */
const MAKING_MS = 60_000;
/** Clusters and sessions looked at side by side. */
const WIDTH = 8;

export type ReaperDeps = RemovalDeps & {
  db: Db;
  runtime: Pick<SandboxRuntime, 'list' | 'removeContainer' | 'sweep'>;
  accounts: Pick<AccountsPart, 'list' | 'remove'>;
  clusters: Pick<ClustersPart, 'ids'>;
  /** Sandboxes that this process knows of, claimed or not. */
  known(): string[];
  /** Other replicas that live. */
  others(): Promise<string[]>;
  audit: AuditPart;
  now: () => Date;
  log: Log;
};

/** One round. Never throws: each part that could not be looked at is looked at in the next. */
export async function reap(deps: ReaperDeps): Promise<void> {
  await guarded(deps, 'leftovers of ended sessions', () => retryCleanups(deps));
  await guarded(deps, 'containers', () => reapContainers(deps));
  const ids = await deps.clusters.ids().catch((err: unknown) => {
    deps.log.warn({ err }, 'reaper: the clusters could not be listed');
    return [];
  });
  await each(ids, WIDTH, (cluster) =>
    guarded(deps, `accounts of cluster ${cluster}`, () => reapAccounts(deps, cluster)),
  );
}

async function retryCleanups(deps: ReaperDeps): Promise<void> {
  await each(await awaitingCleanup(deps.db, BATCH), WIDTH, async (row) => {
    if (await removeLeftovers(deps, row)) await noteSession(deps.db, row.id, { cleanupPending: false });
  });
}

async function reapContainers(deps: ReaperDeps): Promise<void> {
  // Listed first: whatever is in the list was known or had its row before the looks that follow. Known is asked
  // before the rows: a sandbox goes from the pool to a session that is known from then on.
  const found = await deps.runtime.list();
  const others = new Set(await deps.others());
  const known = new Set(deps.known());
  const unfinished = await unfinishedAmong(deps.db, [...new Set(found.map((summary) => summary.sandbox))]);
  const theirs = found.filter(({ replica }) => others.has(replica)).map(({ sandbox }) => sandbox);
  const kept = new Set([...unfinished, ...known, ...theirs]);
  for (const { sandbox, container } of found) {
    if (kept.has(sandbox)) continue;
    await guarded(deps, `container ${container}`, async () => {
      await deps.runtime.removeContainer(container);
      await reaped(deps, sandbox, null, { kind: 'container', container });
    });
  }
  await deps.runtime.sweep(new Set([...kept, ...deps.known()]), others.size > 0 ? MAKING_MS : 0);
}

async function reapAccounts(deps: ReaperDeps, cluster: string): Promise<void> {
  const signal = AbortSignal.timeout(CLUSTER_PATIENCE_MS);
  const found = await deps.accounts.list(cluster, signal);
  const known = new Set(deps.known());
  const unfinished = await unfinishedAmong(
    deps.db,
    found.map((account) => account.sessionId),
  );
  for (const { sessionId } of found) {
    if (unfinished.has(sessionId) || known.has(sessionId)) continue;
    await guarded(deps, `account of session ${sessionId}`, async () => {
      await deps.accounts.remove(cluster, sessionId, signal);
      await reaped(deps, sessionId, cluster, { kind: 'account' });
    });
  }
}

async function reaped(
  deps: ReaperDeps,
  session: string,
  cluster: string | null,
  detail: Record<string, unknown>,
): Promise<void> {
  deps.log.info({ session, cluster, ...detail }, 'reaper: a leftover was removed');
  await deps.audit.record({
    at: deps.now(),
    code: 'session.reaped',
    actorId: null,
    actor: 'portal',
    sessionId: session,
    clusterId: cluster,
    detail,
  });
}

async function guarded(deps: ReaperDeps, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (err) {
    deps.log.warn({ err }, `reaper: ${what} could not be looked at; tried again in a minute`);
  }
}
