/** The HTTP server behind every connection on the Kubernetes path: one node http.Server, fed with sockets by hand. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { isDatabaseAway } from '../domain/database-away.ts';
import { Problem } from '../domain/problem.ts';
import { databaseUnavailable, internalProblem } from '../domain/shared-problems.ts';
import { HTTP_BOUNDS, MAX_HEADERS_COUNT } from '../http-bounds.ts';
import { ApiCall, type ApiCallDeps } from './api-call.ts';
import type { Door } from './door.ts';
import { forward } from './forward.ts';
import { answerProblem } from './kube-error.ts';
import { answerMalformed, HEADER_BYTES } from './malformed.ts';
import { sandboxDoor, type SandboxDoorDeps } from './sandbox-door.ts';
import { answerOnSocket, forwardUpgrade } from './upgrade.ts';

/** A whole request, its body included: the largest that Kubernetes takes is 3 MiB. */
export const REQUEST_MS = 300_000;
/** kubectl and helm ask in bursts; client-go keeps connections for 90 s. */
export const IDLE_MS = 120_000;

export type ApiServerDeps = ApiCallDeps & SandboxDoorDeps & { onFault(error: unknown): void };

export class ApiServer implements Disposable {
  readonly #deps: ApiServerDeps;
  readonly #doors = new WeakMap<Duplex, Door>();
  readonly #server: Server;

  constructor(deps: ApiServerDeps) {
    this.#deps = deps;
    this.#server = createServer({
      ...HTTP_BOUNDS,
      maxHeaderSize: HEADER_BYTES,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: IDLE_MS,
    });
    this.#server.maxHeadersCount = MAX_HEADERS_COUNT;
    const door = (incoming: IncomingMessage) => this.#doors.get(incoming.socket)!;
    this.#server.on('request', (incoming, response) => this.request(incoming, response, door(incoming)));
    this.#server.on('upgrade', (incoming, socket, head) => this.upgrade(incoming, socket, head, door(incoming)));
    this.#server.on('connect', (incoming: IncomingMessage, socket: Duplex) =>
      this.upgrade(incoming, socket, null, door(incoming)),
    );
    this.#server.on('clientError', answerMalformed(deps.errorDocs));
    // The timeouts above are watched from the moment that a server listens; this one never does by itself.
    this.#server.emit('listening');
  }

  /** A sandbox's socket; the server owns it from here on. */
  serve(socket: TLSSocket, { sessionId }: { sessionId: string }): void {
    this.#doors.set(socket, sandboxDoor(this.#deps, sessionId));
    this.#server.emit('connection', socket);
  }

  /** A request that another server read; its target is the path on the cluster. */
  request(incoming: IncomingMessage, response: ServerResponse, door: Door): void {
    this.#whole(this.#request(incoming, response, door), response);
  }

  /** As {@link request}, for `Upgrade` and, without a head, CONNECT. */
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer | null, door: Door): void {
    this.#whole(this.#upgrade(incoming, socket, head, door), socket);
  }

  /** Where even an error cannot be answered, one connection ends, and not the portal with all of them. */
  #whole(work: Promise<void>, connection: { destroy(): unknown }): void {
    work.catch((error: unknown) => {
      this.#deps.onFault(error);
      connection.destroy();
    });
  }

  async #request(incoming: IncomingMessage, response: ServerResponse, door: Door): Promise<void> {
    const call = new ApiCall(this.#deps, incoming, door);
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

  async #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer | null, door: Door): Promise<void> {
    socket.on('error', () => {});
    const call = new ApiCall(this.#deps, incoming, door);
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
