/** What the audit log says of a call before its answer is known: who, from where, and what was asked. */
import type { IncomingMessage } from 'node:http';
import type { CallFacts } from '../audit/audit-log.ts';
import type { Impersonated } from '../domain/forwarded-headers.ts';
import type { KubeRequest } from '../domain/kube-request.ts';
import { redactQuery } from '../domain/query-redaction.ts';
import { redactText } from '../domain/redaction.ts';
import type { GatewaySession } from './session-directory.ts';

const PATH_MAX = 4_096;
const CREDENTIAL_MAX = 2_048;

export type CallPlace = {
  session: GatewaySession;
  at: Date;
  auditId: string;
  correlationId: string;
  incoming: IncomingMessage;
  /** Null where the target does not parse. */
  request: KubeRequest | null;
  as: Impersonated | null;
};

export function callFacts({ session, at, auditId, correlationId, incoming, request, as }: CallPlace) {
  const path = request ? request.path + redactQuery(request.query) : (incoming.url ?? '').split('?', 1)[0]!;
  return {
    at,
    actorId: session.actorId,
    actor: session.actor,
    sessionId: session.id,
    clusterId: session.clusterId,
    auditId,
    clientAddress: session.clientAddress,
    correlationId,
    detail: {
      method: incoming.method ?? '',
      path: shown(path, PATH_MAX),
      verb: request?.verb ?? '',
      group: request?.group ?? '',
      resource: request?.resource ?? '',
      subresource: request?.subresource ?? '',
      namespace: request?.namespace ?? '',
      name: request?.name ?? '',
      ...(as
        ? { impersonated: { user: shown(as.user, 256), groups: as.groups.slice(0, 32).map((one) => shown(one, 256)) } }
        : {}),
      userAgent: shown(incoming.headers['user-agent'] ?? '', 256),
      status: null,
      durationMs: null,
      requestBytes: 0,
      responseBytes: 0,
      upgraded: false,
    },
  } satisfies Omit<CallFacts, 'changes'>;
}

/**
 * What the audit log shows of a text of the caller's. It is cut before it is searched, which takes longer than in
 * proportion, and with room beyond what is shown, so that a credential at the cut is still known for one.
 */
function shown(text: string, most: number): string {
  return redactText(text.slice(0, most + CREDENTIAL_MAX)).slice(0, most);
}
