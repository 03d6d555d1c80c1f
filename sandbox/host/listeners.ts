/** The ports that programs in the shell talk to: each connection becomes one stream to the portal, untouched. */
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { Duplex } from 'node:stream';
import { loopbackSocket } from './libc.ts';
import type { Way } from './way.ts';

/** More at once than kubectl and helm open by far; past it a program waits in the kernel's queue or is refused. */
const CONNECTIONS_MAX = 512;
/** A portal that restarts is back in this time: a program's new connection waits for it. */
const DIAL_MS = 15_000;
const DIAL_PAUSE_MS = 200;

/** Listens on 127.0.0.1. Rejects where the port is taken. */
export function listen(port: number, way: Way): Promise<void> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => void carry(client, way));
  server.maxConnections = CONNECTIONS_MAX;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // By an address Node would load all of its name resolution first: 5 ms of the host's start.
    server.listen({ fd: loopbackSocket(port) }, resolve);
  });
}

async function carry(client: Socket, way: Way): Promise<void> {
  client.on('error', () => {});
  const portal = await dialPatiently(client, way);
  if (!portal) return void client.destroy();
  client.setNoDelay(true);
  const over = () => {};
  pipeline(client, portal, over);
  pipeline(portal, client, over);
}

async function dialPatiently(client: Socket, way: Way): Promise<Duplex | null> {
  const giveUp = performance.now() + DIAL_MS;
  while (!client.destroyed) {
    try {
      return await way.dial('api');
    } catch {
      if (performance.now() > giveUp) return null;
      await new Promise((resolve) => setTimeout(resolve, DIAL_PAUSE_MS));
    }
  }
  return null;
}
