/** Connections to a cluster that are given up while they are being made; what happens on a made one is its caller's. */
import { Agent, type AgentOptions, type RequestOptions } from 'node:https';
import { isIP, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { ConnectingTimedOut } from '../domain/unreachable.ts';

export class BoundedAgent extends Agent {
  readonly #tls: ConnectionOptions;
  readonly #withinMs: number;

  /**
   * `tls`: of each connection; an agent's own options are copied at each request. `withinMs`: for name, connection and
   * TLS handshake together; then the socket's error is ConnectingTimedOut.
   */
  constructor(pool: AgentOptions, tls: ConnectionOptions, withinMs: number) {
    super(pool);
    this.#tls = tls;
    this.#withinMs = withinMs;
  }

  /**
   * Which connections may stand for each other: here all that lead to one port. Node's own name lists every TLS option
   * at each request; requests bring none of their own here.
   */
  override getName({ host, port }: RequestOptions = {}): string {
    return `${host}:${port}`;
  }

  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const socket = super.createConnection({ ...options, ...this.#tls } as RequestOptions, callback);
    if (socket instanceof Socket) bound(socket, options.host ?? '', this.#withinMs);
    return socket;
  }
}

function bound(socket: Socket, host: string, withinMs: number): void {
  let step: ConnectingTimedOut['step'] = isIP(host) ? 'connection' : 'name';
  socket.once('lookup', () => (step = 'connection'));
  socket.once('connect', () => (step = 'handshake'));
  const late = setTimeout(() => socket.destroy(new ConnectingTimedOut(step, withinMs)), withinMs);
  const over = () => clearTimeout(late);
  socket.once('secureConnect', over);
  socket.once('close', over);
}
