/** How to reach one registered cluster: its address, what its certificate is verified against, and as whom. */
import type { Agent } from 'node:https';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { bareHost } from '../domain/bare-host.ts';
import type { ActAs } from '../domain/impersonation.ts';
import { type AddressRules, checkLiteralHost, guardedLookup } from './addresses.ts';
import { ClusterAgent } from './cluster-agent.ts';

/** The portal's own proof on a cluster, as sealed in the database. */
export type ClusterCredential =
  | { kind: 'token'; token: string }
  /** PEM. From an uploaded kubeconfig; used for the portal's own calls and to impersonate, never beneath a session's token. */
  | { kind: 'certificate'; certificate: string; key: string };

export type ClusterAddress = {
  /** https URL, possibly with a path in front of the API. */
  server: string;
  /** PEM; empty: the system's authorities. */
  ca: string;
  tlsServerName: string | null;
};

/** Where a request goes. Its agents verify TLS, dial allowed addresses only and give up in time where nobody answers. */
export type ApiEndpoint = {
  hostname: string;
  port: number;
  /** What precedes every API path, without a slash at its end; mostly empty. */
  basePath: string;
  /** Keeps connections alive. */
  agent: Agent;
  /** A connection of its own for each request: for upgrades. */
  unpooled: Agent;
};

export type ClusterConnection = Disposable & {
  readonly id: string;
  readonly name: string;
  readonly address: ClusterAddress;
  /** Namespace of the portal's own account and of session accounts. */
  readonly namespace: string;
  readonly actAs: ActAs;
  /** For callers that bring a token of their own: presents no client certificate. */
  readonly endpoint: ApiEndpoint;
  /** For the portal's own calls. */
  readonly portal: { endpoint: ApiEndpoint; authorization: string | null };
  /** For a connection that is replaced: calls under way end in their own time, nothing is kept after them. */
  retire(): void;
};

export type ConnectionFacts = {
  id: string;
  name: string;
  namespace: string;
  actAs: ActAs;
  address: ClusterAddress;
  credential: ClusterCredential;
};

/**
 * Kept for a session's next call this long: what a person or a script asks next comes within seconds, and each session
 * keeps its own. A Go API server closes idle connections after 90 s; who lets go first never writes into a closing one.
 */
const IDLE_SOCKET_MS = 20_000;
/** Past this many connections at once to one cluster, the portal's own or of a session, calls wait for one of them. */
const MAX_SOCKETS = 2048;
/** Kept for a session between its calls: kubectl asks what there is in tens of calls at once. */
const MAX_IDLE_SOCKETS = 32;
/**
 * To resolve, connect and shake hands. A kernel repeats a lost SYN after 1, 3 and 7 s; less than the 10 s that a call of
 * the portal's own has, so that it says what is wrong.
 */
const CONNECT_MS = 8_000;

/**
 * Throws Problem `address-refused` for an IP address that the rules forbid; names are checked when dialled. `connectMs`
 * bounds the making of each connection.
 */
export function openConnection(facts: ConnectionFacts, rules: AddressRules, connectMs = CONNECT_MS): ClusterConnection {
  const endpoint = openEndpoint(facts.address, rules, connectMs);
  const { credential } = facts;
  const portalEndpoint =
    credential.kind === 'certificate'
      ? openEndpoint(facts.address, rules, connectMs, { cert: credential.certificate, key: credential.key })
      : endpoint;
  return {
    ...facts,
    endpoint,
    portal: {
      endpoint: portalEndpoint,
      authorization: credential.kind === 'token' ? `Bearer ${credential.token}` : null,
    },
    retire() {
      retireAgent(endpoint.agent);
      retireAgent(portalEndpoint.agent);
    },
    [Symbol.dispose]() {
      endpoint.agent.destroy();
      portalEndpoint.agent.destroy();
    },
  };
}

function retireAgent(agent: Agent): void {
  // An agent looks at this when a connection becomes free; node has no method for it.
  (agent as Agent & { keepAlive: boolean }).keepAlive = false;
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

function openEndpoint(
  address: ClusterAddress,
  rules: AddressRules,
  connectMs: number,
  client: { cert?: string; key?: string } = {},
): ApiEndpoint {
  const url = new URL(address.server);
  checkLiteralHost(url.hostname, rules);
  const hostname = bareHost(url.hostname);
  const tls: ConnectionOptions = {
    ...client,
    ca: address.ca === '' ? undefined : address.ca,
    lookup: guardedLookup(rules),
    // SNI carries names only; without one, the certificate is held against the IP address itself.
    servername: address.tlsServerName ?? (isIP(hostname) ? '' : hostname),
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
  };
  const pool = { keepAlive: true, timeout: IDLE_SOCKET_MS, maxSockets: MAX_SOCKETS, maxFreeSockets: MAX_IDLE_SOCKETS };
  return {
    hostname,
    port: Number(url.port || 443),
    basePath: url.pathname.replace(/\/+$/, ''),
    agent: new ClusterAgent(pool, tls, connectMs),
    unpooled: new ClusterAgent({ keepAlive: false }, tls, connectMs),
  };
}
