/** Where the gateway sends a call. */
import type { ServerResponse } from 'node:http';
import type { Agent, RequestOptions } from 'node:https';
import { forwardedRequestHeaders, forwardedResponseHeaders } from '../domain/forwarded-headers.ts';
import type { KubeRequest } from '../domain/kube-request.ts';
import type { Crossing } from './crossing.ts';

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

/**
 * Options of https.request for this call: the target is what was decided on, the identity ours, the connection none
 * that another session has used.
 */
export function requestOptions(
  { endpoint, identity }: Identified,
  request: KubeRequest,
  headers: readonly string[],
  { auditId, sessionId }: { auditId: string; sessionId: string },
): RequestOptions & { owner: string } {
  return {
    owner: sessionId,
    hostname: endpoint.hostname,
    port: endpoint.port,
    method: request.method,
    path: endpoint.basePath + request.path + request.query,
    // A flat list keeps repeated headers as they came; node adds nothing but framing to it.
    headers: ['host', hostOf(endpoint), ...identity, 'audit-id', auditId, ...headers],
  };
}

/** As a Host header names it. */
export function hostOf({ hostname, port }: Pick<Upstream['endpoint'], 'hostname' | 'port'>): string {
  const host = hostname.includes(':') ? `[${hostname}]` : hostname;
  return port === 443 ? host : `${host}:${port}`;
}

/** The client's headers that go up; a browser's with what crosses for it, instead of its own Origin. */
export function forwardedFor(
  { crossing }: { crossing: Crossing | undefined },
  raw: readonly string[],
  request: KubeRequest,
  { endpoint }: Identified,
): string[] {
  const forwarded = forwardedRequestHeaders(raw);
  if (!crossing) return forwarded;
  const out: string[] = [];
  for (let at = 0; at < forwarded.length; at += 2)
    if (forwarded[at] !== 'origin') out.push(forwarded[at]!, forwarded[at + 1]!);
  return [...out, ...crossing.request(raw, request, hostOf(endpoint))];
}

/** The cluster's headers that go back, a browser's as they may reach it. */
export function answeredHeaders(
  { crossing }: { crossing: Crossing | undefined },
  raw: readonly string[],
  request: KubeRequest,
): string[] {
  const headers = withoutCors(forwardedResponseHeaders(raw));
  return crossing?.response(headers, request) ?? headers;
}

/** `Vary` of the gateway's own, beside the cluster's: headers that are written as a list replace what was set before. */
export function ownVary(response: ServerResponse): string[] {
  const vary = response.getHeader('vary');
  return vary === undefined ? [] : ['vary', String(vary)];
}

/** Which pages may call here is the portal's to say, whatever the cluster says of itself. */
function withoutCors(headers: readonly string[]): string[] {
  const out: string[] = [];
  for (let at = 0; at < headers.length; at += 2)
    if (!/^access-control-/i.test(headers[at]!)) out.push(headers[at]!, headers[at + 1]!);
  return out;
}
