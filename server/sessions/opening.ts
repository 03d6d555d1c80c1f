/**
 * The opening of a session, in an order of which every prefix can be undone from the row alone: the row (which names
 * the account and the container to come), then the container, the shell, the account.
 */
import { activateSession, noteSession } from '../../db/queries/sessions.ts';
import type { Db } from '../../db/client.ts';
import { claimOf } from './claim.ts';
import type { LiveSession } from './live-session.ts';
import type { AccountToken, GatewayPart } from './parts.ts';
import type { EquippedSandbox, Sandboxes } from './sandboxes.ts';

export type OpeningDeps = {
  db: Db;
  sandboxes: Pick<Sandboxes, 'make'>;
  gateway: Pick<GatewayPart, 'certificateAuthority' | 'mint'>;
  now: () => Date;
};

export type Size = { cols: number; rows: number };

export type ShellStart = {
  size: Size;
  secret: Buffer;
  warm: EquippedSandbox | undefined;
  /** The audit event of the opening. No audit, no session: a container may start beside it, a shell not. */
  told: Promise<void>;
};

/**
 * Gives the session its sandbox, `warm` or a new one, and starts the shell in it. Resolves when the host was told.
 * Throws the Problems of the parts; what was made until then hangs on `live`.
 */
export async function startShell(deps: OpeningDeps, live: LiveSession, start: ShellStart): Promise<void> {
  const { size, secret, warm, told } = start;
  const minted = mintCredential(deps, live);
  minted.catch(() => {}); // awaited below, beside the container
  if (warm) live.sandbox = warm;
  else live.sandbox = await live.step('sandbox', deps.now, deps.sandboxes.make(live.id, secret, live.abort.signal));
  await told;
  live.abort.signal.throwIfAborted();
  const { terminal, sandbox } = live.sandbox;
  const claim = async () => {
    const { token } = await minted;
    const claimed = claimOf(live.row, size, { authority: deps.gateway.certificateAuthority, token });
    await terminal.claim(factsOf(live, size), live.row.generation, claimed);
  };
  await live.step('shell', deps.now, claim());
  if (!warm) await noteSession(deps.db, live.id, { container: sandbox.container });
}

/** Shell and account are there: the session is active, unless it is ending already. */
export async function activate(deps: Pick<OpeningDeps, 'db'>, live: LiveSession): Promise<void> {
  if (!live.alive || !(await activateSession(deps.db, live.id, { steps: live.row.steps })) || !live.alive) return;
  live.row = { ...live.row, state: 'active' };
  live.push();
}

/** A credential for the sandbox's way to Kubernetes, noted so that it is renewed in time. */
export async function mintCredential(
  deps: { gateway: Pick<GatewayPart, 'mint'>; now: () => Date },
  live: LiveSession,
): Promise<AccountToken> {
  const { id: sessionId, cluster, serviceAccount } = live.row;
  const issuedAt = deps.now();
  const minted = await deps.gateway.mint({ sessionId, namespace: cluster.namespace, serviceAccount });
  live.credential = { issuedAt, expiresAt: minted.expiresAt };
  return minted;
}

export function factsOf({ row }: LiveSession, size: Size) {
  return {
    session: row.id,
    openedAt: row.openedAt,
    user: row.user,
    cluster: row.cluster,
    role: row.role,
    serviceAccount: row.serviceAccount,
    ...size,
  };
}
