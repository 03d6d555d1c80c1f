/** Where the gateway sends a call. */
import type { Agent, RequestOptions } from 'node:https';
import type { KubeRequest } from '../domain/kube-request.ts';

export type Upstream = {
  cluster: string;
  /** The portal's own namespace there: no session changes anything in it. */
  portalNamespace: string;
  endpoint: {
    hostname: string;
    port: number;
    basePath: string;
    /** Verifies TLS; presents no certificate of ours. */
    agent: Agent;
    /** As well; a connection of its own for each request. */
    unpooled: Agent;
  };
  /** Where people are impersonated: the portal's own account, and the way there that proves it. Null: by accounts. */
  asPortal: { endpoint: Upstream['endpoint']; authorization: string | null } | null;
};

/** An upstream, and who acts there: headers, as name and value in turn. */
export type Identified = Omit<Upstream, 'asPortal'> & { identity: readonly string[] };

/** Options of https.request for this call: the target is what was decided on, the identity ours. */
export function requestOptions(
  { endpoint, identity }: Identified,
  request: KubeRequest,
  headers: readonly string[],
  auditId: string,
): RequestOptions {
  const host = endpoint.hostname.includes(':') ? `[${endpoint.hostname}]` : endpoint.hostname;
  return {
    hostname: endpoint.hostname,
    port: endpoint.port,
    method: request.method,
    path: endpoint.basePath + request.path + request.query,
    // A flat list keeps repeated headers as they came; node adds nothing but framing to it.
    headers: [
      'host',
      endpoint.port === 443 ? host : `${host}:${endpoint.port}`,
      ...identity,
      'audit-id',
      auditId,
      ...headers,
    ],
  };
}
