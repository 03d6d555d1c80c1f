/**
 * Stands between a portal and its container engine or a cluster's API server, counts the requests, and stops the world
 * at one of them: scenarios kill the portal there, before the request has happened or after it has.
 */
import { createServer as createHttpServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

export type WireRequest = {
  /** From 0, in the order of arrival, since the proxy started or was rearmed. */
  index: number;
  method: string;
  path: string;
};

export type WireTarget = { socketPath: string } | { url: string; ca: string; servername?: string };
export type WireEntrance = { socketPath: string } | { tls: { cert: string; key: string } };

/**
 * `before`: nothing of the request has gone on. `after`: it has happened, its answer is held back. The request goes on
 * once the promise resolves.
 */
export type WireWatcher = {
  before?(request: WireRequest): Promise<void> | void;
  after?(request: WireRequest): Promise<void> | void;
};

export type WireProxy = AsyncDisposable & {
  /** `https://127.0.0.1:<port>` for an entrance with TLS, else the socket's path. */
  readonly address: string;
  /** Counts from 0 again, for another watcher. Requests that were held go on. */
  watch(watcher: WireWatcher): void;
  /** Requests seen since then. */
  readonly seen: readonly WireRequest[];
};

export async function startWireProxy(entrance: WireEntrance, target: WireTarget): Promise<WireProxy> {
  let watcher: WireWatcher = {};
  let seen: WireRequest[] = [];
  const sockets = new Set<Duplex>();

  const note = (request: IncomingMessage): WireRequest => {
    const noted = { index: seen.length, method: request.method ?? '', path: request.url ?? '' };
    seen.push(noted);
    return noted;
  };
  const forward = (request: IncomingMessage) => {
    const options = { method: request.method, path: request.url, headers: request.rawHeaders };
    return 'socketPath' in target
      ? httpRequest({ ...options, socketPath: target.socketPath })
      : httpsRequest(target.url, { ...options, ca: target.ca, servername: target.servername ?? '' });
  };

  const server: Server =
    'tls' in entrance ? createHttpsServer({ ...entrance.tls, ALPNProtocols: ['http/1.1'] }) : createHttpServer();
  server.on('connection', (socket: Duplex) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', async (request, response) => {
    const noted = note(request);
    const current = watcher;
    await current.before?.(noted);
    if (request.socket.destroyed) return;
    const onward = forward(request);
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    onward.on('response', async (answer) => {
      await current.after?.(noted);
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      response.flushHeaders();
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  server.on('upgrade', async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const noted = note(request);
    const current = watcher;
    await current.before?.(noted);
    if (socket.destroyed) return;
    const onward = forward(request);
    onward.on('error', () => socket.destroy());
    onward.on('response', (answer) => {
      socket.write(headOf(answer));
      answer.pipe(socket);
    });
    onward.on('upgrade', async (answer: IncomingMessage, far: Duplex, farHead: Buffer) => {
      await current.after?.(noted);
      far.on('error', () => socket.destroy());
      socket.on('error', () => far.destroy());
      socket.once('close', () => far.destroy());
      socket.write(headOf(answer));
      socket.write(farHead);
      far.write(head);
      far.pipe(socket);
      socket.pipe(far);
    });
    // An engine's attach sends a body of no length with its upgrade; the stream itself follows the answer.
    onward.end();
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if ('socketPath' in entrance) server.listen(entrance.socketPath, resolve);
    else server.listen(0, '127.0.0.1', resolve);
  });
  const address =
    'socketPath' in entrance
      ? entrance.socketPath
      : `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    address,
    watch(next) {
      watcher = next;
      seen = [];
    },
    get seen() {
      return seen;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function headOf(answer: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`];
  for (let i = 0; i < answer.rawHeaders.length; i += 2)
    lines.push(`${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
