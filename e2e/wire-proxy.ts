/**
 * Stands between a portal and its container engine or a cluster's API server, counts the requests, and stops the world
 * at one of them: scenarios kill the portal there, before the request has happened or after it has.
 */
import { createServer as createHttpServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer, request as httpsRequest } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

export type WireRequest = {
  /** From 0, in the order of arrival, since the proxy started or was rearmed. */
  index: number;
  method: string;
  path: string;
};

export type WireTarget = { socketPath: string } | { url: string; ca: string; servername?: string };
export type WireEntrance = { socketPath: string } | { tls: { cert: string; key: string } };

export type WireAnswer = { status: number; headers?: Record<string, string>; body?: string };

/**
 * `before`: nothing of the request has gone on. `after`: it has happened, its answer is held back. The request goes on
 * once the promise resolves. `instead`: what the target would say if it had that fault; the request does not go on.
 */
export type WireWatcher = {
  before?(request: WireRequest): Promise<void> | void;
  instead?(request: WireRequest): WireAnswer | undefined;
  after?(request: WireRequest): Promise<void> | void;
};

export type WireProxy = AsyncDisposable & {
  /** `https://127.0.0.1:<port>` for an entrance with TLS, else the socket's path. */
  readonly address: string;
  /** Counts from 0 again, for another watcher. Requests that were held go on. */
  watch(watcher: WireWatcher): void;
  /** Closes every connection; nothing listens any more. */
  leave(): Promise<void>;
  /** Listens again, where it did. */
  comeBack(): Promise<void>;
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
    const answer = current.instead?.(noted);
    if (answer) {
      request.resume();
      response.writeHead(answer.status, answer.headers).end(answer.body);
      return;
    }
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
    // Byte for byte: what follows the head belongs to whoever the connection is upgraded for.
    const onward = dial(target);
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
    socket.once('close', () => onward.destroy());
    // In one piece: an engine takes what comes apart from the head of an attach for the container's standard input.
    onward.write(Buffer.concat([Buffer.from(headOf(request)), head]));
    socket.pipe(onward);
    onward.once('data', async (first: Buffer) => {
      onward.pause();
      await current.after?.(noted);
      socket.write(first);
      onward.pipe(socket);
    });
  });

  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      if ('socketPath' in entrance) server.listen(entrance.socketPath, resolve);
      else server.listen(port, '127.0.0.1', resolve);
    });
  const leave = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await listen(0);
  const port = 'socketPath' in entrance ? 0 : (server.address() as AddressInfo).port;
  const address = 'socketPath' in entrance ? entrance.socketPath : `https://127.0.0.1:${port}`;
  return {
    address,
    watch(next) {
      watcher = next;
      seen = [];
    },
    get seen() {
      return seen;
    },
    leave,
    comeBack: () => listen(port),
    [Symbol.asyncDispose]: leave,
  };
}

function dial(target: WireTarget): Socket {
  if ('socketPath' in target) return connect({ path: target.socketPath, allowHalfOpen: true });
  const { hostname, port } = new URL(target.url);
  const { ca, servername = '' } = target;
  return connectTls({ host: hostname, port: Number(port), ca, servername, allowHalfOpen: true } as ConnectionOptions);
}

function headOf(request: IncomingMessage): string {
  const lines = [`${request.method} ${request.url} HTTP/1.1`];
  for (let i = 0; i < request.rawHeaders.length; i += 2)
    lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
