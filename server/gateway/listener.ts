/**
 * The gateway's own address, `https://<gateway>/k8s/<cluster>/…`, for people's own tools. Credentials are bound to
 * their session's sandbox so far, so that every one that comes here is foreign.
 */
import { createServer, type Server } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { parseKubeRequest } from '../domain/kube-request.ts';
import { Problem } from '../domain/problem.ts';
import { correlationOf } from './correlation.ts';
import { HTTP_BOUNDS, MAX_CONNECTIONS, MAX_HEADERS_COUNT } from '../http-bounds.ts';
import { answerProblem } from './kube-error.ts';
import { answerMalformed, HEADER_BYTES } from './malformed.ts';
import { answerOnSocket } from './upgrade.ts';

/** Ms. A whole request; nothing that comes here is worth more. */
const REQUEST_MS = 30_000;

/** Answers a request on the gateway's address. Never throws. */
export function gatewayListenerHandler(incoming: IncomingMessage, response: ServerResponse): void {
  const [, cluster, rest] = /^\/k8s\/([^/?]+)(\/.*|)$/s.exec(incoming.url ?? '') ?? [];
  const correlationId = correlationOf(incoming.headers);
  const parsed = cluster === undefined ? null : parseKubeRequest(incoming.method ?? '', rest || '/');
  const request = parsed === null || 'refused' in parsed ? null : parsed;
  answerProblem(response, cluster === undefined ? noCluster() : foreign(), { request, correlationId, auditId: null });
}

function foreign(): Problem {
  return new Problem(
    'credential-foreign',
    401,
    'This address takes no credential: those that the portal issues work in their own shell only.',
    {
      next: 'Open a shell on the cluster in the portal.',
    },
  );
}

function noCluster(): Problem {
  return new Problem('not-found', 404, 'There is nothing here: clusters are at /k8s/<cluster>/.');
}

export type GatewayListener = AsyncDisposable & { port: number };

/** Throws node's error where the address cannot be had. `tls` is PEM. */
export async function listenGateway(
  address: { host: string; port: number },
  tls: { cert: string; key: string },
): Promise<GatewayListener> {
  const server: Server = createServer(
    {
      ...tls,
      ...HTTP_BOUNDS,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      maxHeaderSize: HEADER_BYTES,
      requestTimeout: REQUEST_MS,
      handshakeTimeout: 10_000,
    },
    gatewayListenerHandler,
  );
  server.maxHeadersCount = MAX_HEADERS_COUNT;
  server.maxConnections = MAX_CONNECTIONS;
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('clientError', answerMalformed);
  const onSocket = (incoming: IncomingMessage, socket: Duplex) =>
    void answerOnSocket(incoming, socket, (response) => gatewayListenerHandler(incoming, response));
  server.on('upgrade', onSocket);
  server.on('connect', onSocket);
  server.listen(address.port, address.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
