/** A stream of a session in words. */
import type { Stream } from '../../../../server/http/schemas.ts';

/** `exec web-1 -c app -n shop: sh -c …`, as kubectl's users would say it. */
export function streamLine({ kind, pod, container, namespace, command, connections }: Stream): string {
  const where = `${kind} ${pod}${container ? ` -c ${container}` : ''} -n ${namespace}`;
  const ports = [...new Set(connections.map(({ port }) => port))].join(', ');
  const what = command.join(' ') || (ports && `port ${ports}`);
  return what ? `${where}: ${what}` : where;
}

/** How it ended, and whether its recording is whole. */
export function streamEnd({ endedAt, exitCode, unrecorded, recorded, kind }: Stream): string {
  const end = endedAt === null ? 'no end yet' : exitCode === null ? 'ended' : `exit ${exitCode}`;
  if (unrecorded === null || kind === 'port-forward') return end;
  return `${end}, ${recorded ? 'recorded in part' : 'not recorded'}`;
}
