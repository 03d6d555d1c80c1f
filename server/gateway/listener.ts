/**
 * The gateway's own address, `https://<gateway>/k8s/<cluster>/…`, for people's own tools: the prefix is taken off, and
 * what is left goes the way of every call.
 */
import { createServer, type Server } from 'node:https';
import { once } from 'node:events';
import { constants } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { correlationOf } from '../correlation.ts';
import { corsHeaders, isPreflight, preflightHeaders, VARIES } from '../domain/cors.ts';
import { Problem } from '../domain/problem.ts';
import { HTTP_BOUNDS, MAX_CONNECTIONS, MAX_HEADERS_COUNT } from '../http-bounds.ts';
import { IDLE_MS, REQUEST_MS, type ApiServer } from './api-server.ts';
import { kubeconfigDoor, type KubeconfigDoorDeps } from './kubeconfig-door.ts';
import { answerProblem } from './kube-error.ts';
import { answerMalformed, HEADER_BYTES } from './malformed.ts';
import type { TlsIdentity } from './own-certificate.ts';
import { answerOnSocket } from './upgrade.ts';

export type GatewayListenerDeps = KubeconfigDoorDeps & {
  /** PEM of the authority whose client certificates are taken. */
  clientAuthority: string;
  api: Pick<ApiServer, 'request' | 'upgrade'>;
  errorDocs: string;
  /** Whose pages may call. */
  corsOrigins: readonly string[];
};

/** What API servers have at their root. */
const BARE = /^\/(api|apis|version|openapi|healthz|livez|readyz|metrics)(\/|\?|$)/;

/**
 * The cluster that the target names, and the target on it; null for any other target. `kubectl get --raw` of versions
 * before 1.36 leaves the path of the kubeconfig's address out: then the cluster is the one that the credential names.
 */
function targetOf(incoming: IncomingMessage): { cluster: string | null; rest: string } | null {
  if (BARE.test(incoming.url ?? '')) return { cluster: null, rest: incoming.url! };
  // CONNECT, absolute and asterisk forms name no path of ours.
  const [, cluster, rest] = /^\/k8s\/([a-z0-9-]{1,63})(\/.*|\?.*|)$/s.exec(incoming.url ?? '') ?? [];
  if (cluster === undefined || rest === undefined) return null;
  return { cluster, rest: rest.startsWith('/') ? rest : `/${rest}` };
}

function noCluster(incoming: IncomingMessage, response: ServerResponse, errorDocs: string): void {
  const problem = new Problem('not-found', 404, 'There is nothing here: clusters are at /k8s/<cluster>/.', {
    next: 'Use the address that is in the kubeconfig.',
  });
  answerProblem(response, problem, { request: null, correlation: correlationOf(incoming), auditId: null, errorDocs });
}

/** Of no credential, and to no cluster. A page of an origin that nobody named is told nothing. */
function answerPreflight(response: ServerResponse, origin: string | null): void {
  response.writeHead(origin === null ? 403 : 204, Object.fromEntries(origin === null ? [] : preflightHeaders(origin)));
  response.end();
}

export type GatewayListener = AsyncDisposable & {
  port: number;
  /** Open now. */
  readonly connections: number;
  /** For new connections; those that are open stay. */
  useCertificate(identity: TlsIdentity): void;
};

/**
 * With whichever certificate it serves. Sessions are not resumed: a resumed one of TLS 1.3 counts as authorised to node
 * without a certificate (compare nginx CVE-2025-23419), and Kubernetes' clients keep connections instead.
 */
const tlsOptions = (clientAuthority: string) =>
  ({ minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET, ca: clientAuthority }) as const;

/** Throws node's error where the address cannot be had. `tls` is PEM. */
export async function listenGateway(
  address: { host: string; port: number },
  tls: TlsIdentity,
  deps: GatewayListenerDeps,
): Promise<GatewayListener> {
  const common = tlsOptions(deps.clientAuthority);
  const onRequest = (incoming: IncomingMessage, response: ServerResponse) => {
    const { origin } = incoming.headers;
    const cors = corsHeaders(origin, deps.corsOrigins);
    if (isPreflight(incoming.method ?? '', incoming.headers)) return answerPreflight(response, cors && origin!);
    for (const [name, value] of cors ?? (deps.corsOrigins.length > 0 ? VARIES : [])) response.setHeader(name, value);
    const target = targetOf(incoming);
    if (!target) return noCluster(incoming, response, deps.errorDocs);
    incoming.url = target.rest;
    deps.api.request(incoming, response, kubeconfigDoor(deps, target.cluster));
  };
  const server: Server = createServer(
    {
      ...tls,
      ...HTTP_BOUNDS,
      ...common,
      // Asked for, not required: who comes with a token has none. What came is looked at by the door.
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      maxHeaderSize: HEADER_BYTES,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: IDLE_MS,
      handshakeTimeout: 10_000,
    },
    onRequest,
  );
  server.maxHeadersCount = MAX_HEADERS_COUNT;
  server.maxConnections = MAX_CONNECTIONS;
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('clientError', answerMalformed(deps.errorDocs));
  const onSocket = (incoming: IncomingMessage, socket: Duplex, head: Buffer | null) => {
    const target = targetOf(incoming);
    if (!target)
      return void answerOnSocket(incoming, socket, (response) => noCluster(incoming, response, deps.errorDocs));
    incoming.url = target.rest;
    deps.api.upgrade(incoming, socket, head, kubeconfigDoor(deps, target.cluster));
  };
  server.on('upgrade', onSocket);
  server.on('connect', (incoming: IncomingMessage, socket: Duplex) => onSocket(incoming, socket, null));
  // Upgraded connections are the server's no more: they are ended by hand at the end.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(address.port, address.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return sockets.size;
    },
    useCertificate(identity) {
      server.setSecureContext({ ...common, ...identity });
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
