/** The HTTP server behind every connection on the Kubernetes path: one node http.Server, fed with sockets by hand. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { Problem } from '../domain/problem.ts';
import { internalProblem } from '../domain/shared-problems.ts';
import { ApiCall, type ApiCallDeps, type Peer } from './api-call.ts';
import { correlationOf } from './correlation.ts';
import { forward } from './forward.ts';
import { answerProblem } from './kube-error.ts';
import { answerOnSocket, forwardUpgrade } from './upgrade.ts';

/** Tokens and long selectors fit; Go's servers take 1 MiB, of which nothing honest comes near. */
const HEADER_BYTES = 64 * 1024;
const HEADER_COUNT = 200;
const HEADERS_MS = 15_000;
/** A whole request, its body included: the largest that Kubernetes takes is 3 MiB. */
const REQUEST_MS = 300_000;
/** kubectl and helm ask in bursts; client-go keeps connections for 90 s. */
const IDLE_MS = 120_000;

export class ApiServer implements Disposable {
  readonly #deps: ApiCallDeps & { onFault(error: unknown): void };
  readonly #peers = new WeakMap<Duplex, Peer>();
  readonly #server: Server;

  constructor(deps: ApiCallDeps & { onFault(error: unknown): void }) {
    this.#deps = deps;
    this.#server = createServer({
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: 5_000,
      insecureHTTPParser: false,
      requireHostHeader: true,
    });
    this.#server.maxHeadersCount = HEADER_COUNT;
    this.#server.on('request', (incoming, response) => void this.#request(incoming, response));
    this.#server.on('upgrade', (incoming, socket, head) => void this.#upgrade(incoming, socket, head));
    this.#server.on(
      'connect',
      (incoming: IncomingMessage, socket: Duplex) => void this.#upgrade(incoming, socket, null),
    );
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => answerMalformed(error, socket));
    // The timeouts above are watched from the moment that a server listens; this one never does by itself.
    this.#server.emit('listening');
  }

  /** The server owns the socket from here on. */
  serve(socket: TLSSocket, peer: Peer): void {
    this.#peers.set(socket, peer);
    this.#server.emit('connection', socket);
  }

  async #request(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = new ApiCall(this.#deps, incoming, this.#peers.get(incoming.socket)!);
    let failure: Problem | undefined;
    try {
      await forward(call, response);
    } catch (error) {
      failure = this.#asProblem(error);
      if (!response.headersSent) call.status = failure.status;
      answerProblem(response, failure, call);
    }
    await call.end(failure);
  }

  async #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer | null): Promise<void> {
    socket.on('error', () => {});
    const call = new ApiCall(this.#deps, incoming, this.#peers.get(incoming.socket)!);
    let failure: Problem | undefined;
    try {
      // CONNECT comes here too: parsing refuses it before anything else is looked at.
      await forwardUpgrade(call, socket, head ?? Buffer.alloc(0));
    } catch (error) {
      failure = this.#asProblem(error);
      if (call.upgraded) socket.destroy();
      else {
        call.status = failure.status;
        const problem = failure;
        await answerOnSocket(incoming, socket, (response) => answerProblem(response, problem, call));
      }
    }
    await call.end(failure);
  }

  #asProblem(error: unknown): Problem {
    if (error instanceof Problem) return error;
    this.#deps.onFault(error);
    return internalProblem(error);
  }

  [Symbol.dispose](): void {
    this.#server.close();
  }
}

/** Requests that node's strict parser does not take: two lengths, folded headers, a header without end. */
function answerMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, sentence] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', `The headers are longer than ${HEADER_BYTES} bytes.`]
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'The request did not arrive in time.']
        : ['400 Bad Request', 'This is not a well-formed HTTP/1.1 request.'];
  const body = `${sentence}\n`;
  socket.on('error', () => {});
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${body.length}\r\n` +
      `x-sallyport-error-code: bad-request\r\nx-correlation-id: ${correlationOf({})}\r\nconnection: close\r\n\r\n${body}`,
  );
}
