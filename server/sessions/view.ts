/** A session as the REST API and the terminal's page see it. */
import type { SessionWithNames } from '../../db/queries/sessions.ts';
import { isLive, nextDeadline, warnAt, type EndReason, type SessionState } from '../domain/access-session.ts';
import type { Channel } from '../domain/access-session.ts';

const iso = (date: Date | null) => date?.toISOString() ?? null;

export function sessionView(row: SessionWithNames) {
  const state = row.state as SessionState;
  // Idling ends a terminal; a kubeconfig's session sleeps, and only its longest time ends it.
  const standing = isLive(state) || state === 'dormant';
  const deadline = !standing
    ? null
    : row.channel !== 'terminal'
      ? { at: row.hardCapAt, reason: 'hard-cap' as const }
      : nextDeadline(row);
  return {
    id: row.id,
    state,
    channel: row.channel as Channel,
    user: row.user,
    cluster: { id: row.cluster.id, name: row.cluster.name, production: row.cluster.production },
    role: row.role,
    serviceAccount: row.serviceAccount,
    certificate: row.certificateSerial,
    namespaces: row.namespaces,
    openedAt: row.openedAt.toISOString(),
    lastInputAt: row.lastInputAt.toISOString(),
    detachedAt: iso(row.detachedAt),
    hardCapAt: row.hardCapAt.toISOString(),
    deadline: deadline && {
      at: deadline.at.toISOString(),
      reason: deadline.reason,
      warnAt: warnAt(row).toISOString(),
    },
    steps: row.steps,
    endedAt: iso(row.endedAt),
    endReason: row.endReason as EndReason | null,
    endDetail: row.endDetail,
    exitCode: row.exitCode,
    recordedBytes: row.recordedBytes,
    clientAddress: row.clientAddress,
  };
}
export type SessionView = ReturnType<typeof sessionView>;
