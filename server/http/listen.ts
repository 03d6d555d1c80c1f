/**
 * The portal's listening socket: which request goes to the proxy domain, which to the REST API, which to web, and how all
 * come to an end.
 */
import { getRequestListener } from '@hono/node-server';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { HTTP_BOUNDS, MAX_CONNECTIONS, MAX_HEADERS_COUNT } from '../http-bounds.ts';
import { plainPage } from '../plain-page.ts';
import type { Router } from './router.ts';
import type { Upgrades } from './upgrades.ts';

/** Bytes of all headers together. Sixteen KiB is Node's own default, said here because the limit is a promise. */
const MAX_HEADERS = 16 * 1024;
/** Ms. Long enough for 256 MiB over a slow line. */
const REQUEST_TIMEOUT_MS = 30 * 60_000;

export type ListenDeps = {
  app: Router;
  upgrades: Upgrades;
  /** Pages, and everything else that is not ours. */
  web(request: IncomingMessage, response: ServerResponse): void;
  /** What the proxy domain has; null: there is none. */
  origins: {
    /** Null: the request is for the portal itself. */
    labelOf(request: IncomingMessage): string | null;
    request(request: IncomingMessage, response: ServerResponse, label: string): void;
    upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, label: string): void;
  } | null;
};

export type ListenOptions = {
  host: string;
  port: number;
  /** PEM. Without it, plain HTTP: for loopback, or behind a proxy that ends TLS. */
  tls?: { cert: string; key: string };
};

export type Listening = AsyncDisposable & {
  port: number;
  /** From now on requests are answered; until then they are told that the portal is starting. */
  serve(deps: ListenDeps): void;
  /** Stops taking connections; resolves when running requests are answered, or after `graceMs`. */
  drain(graceMs: number): Promise<void>;
};

const OURS =
  /^\/(api\/v1(\/|\?|$)|docs\/errors\/|oauth\/|(\.well-known\/oauth-authorization-server|healthz|readyz|metrics)(\?|$))/;

/**
 * Takes the address first, so that a port that is taken is said before anything else is started. Throws Node's error
 * for an address that cannot be had (`EADDRINUSE`, `EACCES`).
 */
export async function listen(options: ListenOptions): Promise<Listening> {
  let serving: { deps: ListenDeps; api: ReturnType<typeof getRequestListener> } | undefined;
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    const label = serving?.deps.origins?.labelOf(request) ?? null;
    if (!serving) starting(response);
    // First of all: by another name than the portal's nothing of the portal is reached.
    else if (label !== null) serving.deps.origins!.request(request, response, label);
    else if (OURS.test(request.url ?? '')) void serving.api(request, response);
    else serving.deps.web(request, response);
  };
  const limits = { ...HTTP_BOUNDS, maxHeaderSize: MAX_HEADERS, requestTimeout: REQUEST_TIMEOUT_MS };
  const server: Server = options.tls
    ? createHttpsServer({ ...limits, ...options.tls, ALPNProtocols: ['http/1.1'], handshakeTimeout: 10_000 }, onRequest)
    : createHttpServer(limits, onRequest);
  server.maxHeadersCount = MAX_HEADERS_COUNT;
  server.maxConnections = MAX_CONNECTIONS;
  server.on('upgrade', (request, socket, head) => {
    const label = serving?.deps.origins?.labelOf(request) ?? null;
    if (label !== null) serving!.deps.origins!.upgrade(request, socket, head, label);
    else if (serving) void serving.deps.upgrades.handle(request, socket, head);
    else socket.end('HTTP/1.1 503 Starting\r\nretry-after: 2\r\nconnection: close\r\n\r\n');
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    serve(deps) {
      serving = { deps, api: getRequestListener(deps.app.fetch, { overrideGlobalObjects: false }) };
    },
    async drain(graceMs) {
      const closed = once(server, 'close');
      server.close();
      // Again and again: one whose answer ends only now would be kept for its next request.
      const idle = setInterval(() => server.closeIdleConnections(), 50);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      // Sockets that were upgraded are their owners' to close; this does not wait for them longer than for the rest.
      const timer = setTimeout(() => {
        server.closeAllConnections();
        resolve();
      }, graceMs);
      await Promise.race([closed, late]);
      clearTimeout(timer);
      clearInterval(idle);
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function starting(response: ServerResponse): void {
  const { body, csp } = plainPage('The portal is starting', 'This page tries again by itself.');
  response.writeHead(503, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': csp,
    'cache-control': 'no-store',
    'retry-after': '2',
    refresh: '2',
  });
  response.end(body);
}
