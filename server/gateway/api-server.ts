/** The HTTP server behind every connection on the Kubernetes path: one node http.Server, fed with sockets by hand. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { isDatabaseAway } from '../domain/database-away.ts';
import { Problem } from '../domain/problem.ts';
import { databaseUnavailable, internalProblem } from '../domain/shared-problems.ts';
import { HTTP_BOUNDS, MAX_HEADERS_COUNT } from '../http-bounds.ts';
import { ApiCall, type ApiCallDeps, type Peer } from './api-call.ts';
import { forward } from './forward.ts';
import { answerProblem } from './kube-error.ts';
import { answerMalformed, HEADER_BYTES } from './malformed.ts';
import { answerOnSocket, forwardUpgrade } from './upgrade.ts';

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
      ...HTTP_BOUNDS,
      maxHeaderSize: HEADER_BYTES,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: IDLE_MS,
    });
    this.#server.maxHeadersCount = MAX_HEADERS_COUNT;
    this.#server.on('request', (incoming, response) => this.#whole(this.#request(incoming, response), response));
    this.#server.on('upgrade', (incoming, socket, head) => this.#whole(this.#upgrade(incoming, socket, head), socket));
    this.#server.on('connect', (incoming: IncomingMessage, socket: Duplex) =>
      this.#whole(this.#upgrade(incoming, socket, null), socket),
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

  /** Where even an error cannot be answered, one connection ends, and not the portal with all of them. */
  #whole(work: Promise<void>, connection: { destroy(): unknown }): void {
    work.catch((error: unknown) => {
      this.#deps.onFault(error);
      connection.destroy();
    });
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
    if (isDatabaseAway(error)) return databaseUnavailable(error);
    this.#deps.onFault(error);
    return internalProblem(error);
  }

  [Symbol.dispose](): void {
    this.#server.close();
  }
}
