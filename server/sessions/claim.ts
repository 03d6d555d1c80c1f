/** What a session host is told when it becomes a person's: their shell's surroundings and first words. */
import type { Claim } from '../../protocol/frames.ts';
import type { SessionWithNames } from '../../db/queries/sessions.ts';

/** `kubeconfig` names the token's file and never holds the token. */
export function claimOf(
  session: SessionWithNames,
  size: { cols: number; rows: number },
  access: { kubeconfig: string; token: string },
): Claim {
  return {
    ...size,
    token: access.token,
    kubeconfig: access.kubeconfig,
    env: {
      SALLYPORT_CLUSTER: session.cluster.name,
      SALLYPORT_PRODUCTION: session.cluster.production ? '1' : '',
      SALLYPORT_USER: session.user.email,
      SALLYPORT_ROLE: session.role,
      SALLYPORT_NAMESPACE: session.namespaces[0] ?? 'default',
      SALLYPORT_SESSION: session.id,
    },
    greeting: greeting(session),
  };
}

/** Which cluster, as whom, until when, and that it is recorded. Lines end as a terminal wants them. */
export function greeting(session: SessionWithNames): string {
  const where = session.namespaces.length > 0 ? `in ${session.namespaces.join(', ')}` : 'cluster-wide';
  const lines = [
    `Cluster ${printable(session.cluster.name)}${session.cluster.production ? ' (PRODUCTION)' : ''}, ` +
      `as ${printable(session.user.email)} with the role ${printable(session.role)}, ${where}.`,
    `This session is recorded. It ends at ${utc(session.hardCapAt)} at the latest, ` +
      `or after ${minutes(session.idleMs)} without input; type exit to leave.`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Names come from people and identity providers: no control character of theirs reaches the terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '');
}

function utc(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function minutes(ms: number): string {
  const count = Math.round(ms / 60_000);
  return count === 1 ? '1 minute' : `${count} minutes`;
}
