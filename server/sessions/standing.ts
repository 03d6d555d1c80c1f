/** Whether a session of people's own tools still stands, and the words for one that does not. */
import type { Db } from '../../db/client.ts';
import { findSession, revokedOf, type SessionWithNames } from '../../db/queries/sessions.ts';
import type { EndReason } from '../domain/access-session.ts';
import { Problem } from '../domain/problem.ts';

export const HARD_CAP = 'It reached its longest time.';

const endings: Record<EndReason, string> = {
  exited: 'Its session has ended.',
  'ended-by-person': 'You revoked it.',
  'signed-out': 'You signed out.',
  idle: 'Nobody used it.',
  detached: 'Nobody used it.',
  'hard-cap': HARD_CAP,
  revoked: 'An administrator revoked it.',
  fault: 'Its session has ended.',
};

/** Awake or dormant. Throws Problem `credential-revoked` where it has ended, its ground is gone, or there is none. */
export async function standing(db: Db, id: string, now: Date): Promise<SessionWithNames> {
  const [row, revoked] = await Promise.all([findSession(db, id), revokedOf(db, { ids: [id] })]);
  if (!row) throw notOurs();
  if (revoked[0]) throw gone(row.channel, revoked[0].reason, revoked[0].detail);
  if (row.hardCapAt <= now) throw gone(row.channel, 'hard-cap', HARD_CAP);
  if (row.state !== 'active' && row.state !== 'dormant')
    throw gone(row.channel, row.endReason ?? 'ended', row.endDetail ?? endings[row.endReason as EndReason] ?? '');
  return row;
}

export function notOurs(): Problem {
  return gone('kubeconfig', 'unknown', 'It is none of this portal’s.');
}

/** What is not valid any more, and what to do. */
const words: Record<string, [what: string, next: string]> = {
  kubeconfig: ['This kubeconfig is not valid any more.', 'Download a new one in the portal.'],
  link: ['This link is not valid any more.', 'Ask whoever gave it to you for another.'],
  service: ['This service is not open any more.', 'Open it once more from the portal’s page of services.'],
};

function gone(channel: string, reason: string, why: string): Problem {
  const [what, next] = words[channel] ?? words['kubeconfig']!;
  return new Problem('credential-revoked', 401, `${what} ${why}`.trim(), { next, meta: { reason } });
}
