/**
 * Connections to a cluster, kept for whose calls made them. What a server, or a load balancer before it, says on a
 * connection that nobody waits on would be read as the answer to the next call there: so no connection serves two
 * sessions, and one on which something comes meanwhile serves nobody.
 */
import type { RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { BoundedAgent } from './bounded-agent.ts';

/** `owner`: whose the connection is; the portal's own calls have none. */
type OwnedRequestOptions = RequestOptions & { owner?: string };

export class ClusterAgent extends BoundedAgent {
  readonly #guards = new WeakMap<Duplex, () => void>();

  /** What node keeps connections by. */
  override getName(options?: OwnedRequestOptions): string {
    return `${super.getName(options)}:${options?.owner ?? ''}`;
  }

  /** As it becomes idle. Node's own answers whether it may be kept, though its type does not say so. */
  override keepSocketAlive(socket: Duplex): boolean {
    const kept = super.keepSocketAlive(socket) as unknown as boolean;
    if (!kept || socket.readableLength > 0) return false;
    const surplus = () => void socket.destroy();
    this.#guards.set(socket, surplus);
    socket.on('data', surplus);
    return true;
  }

  override reuseSocket(...[socket, request]: Parameters<BoundedAgent['reuseSocket']>): void {
    const surplus = this.#guards.get(socket);
    if (surplus) socket.off('data', surplus);
    super.reuseSocket(socket, request);
  }
}
