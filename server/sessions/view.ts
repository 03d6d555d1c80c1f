/** A session as the REST API and the terminal's page see it. */
import type { SessionWithNames } from '../../db/queries/sessions.ts';
import { isLive, nextDeadline, warnAt, type EndReason, type SessionState } from '../domain/access-session.ts';
import type { Channel } from '../domain/access-session.ts';

const iso = (date: Date | null) => date?.toISOString() ?? null;

export function sessionView(row: SessionWithNames) {
  const state = row.state as SessionState;
  const deadline = isLive(state) ? nextDeadline(row) : null;
  return {
    id: row.id,
    state,
    channel: row.channel as Channel,
    user: row.user,
    cluster: { id: row.cluster.id, name: row.cluster.name, production: row.cluster.production },
    role: row.role,
    serviceAccount: row.serviceAccount,
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
