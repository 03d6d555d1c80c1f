/** Free ports that stay free: below the range from which the kernel gives ports to clients, each given out once. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ListenOptions, type Server } from 'node:net';

/** True where nothing listens on the port of the address. */
export async function portIsFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const server = await listening({ port, host, exclusive: true });
  if (server === null) return false;
  server.close();
  await once(server, 'close');
  return true;
}

/**
 * A port that nothing listens on, kept for this process: no other that asks here is given it while this one lives.
 * 20000–29999: below Linux' client ports (32768 on), and NodePorts apart.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = randomInt(20_000, 30_000);
    if ((await keepPort(port)) && (await portIsFree(port, host))) return port;
  }
  throw new Error(`no free port on ${host} between 20000 and 29999`);
}

/**
 * False where the port is somebody's. What takes a port does so seconds later, and others ask meanwhile. A name of Linux'
 * abstract sockets is the mark: there is one of each on a machine, and it goes with its process, however that ends.
 */
export async function keepPort(port: number): Promise<boolean> {
  const mark = await listening({ path: `\0sallyport-test-port-${port}` });
  mark?.unref();
  return mark !== null;
}

/** Null where somebody else listens there. */
function listening(where: ListenOptions): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(where, () => resolve(server));
  });
}
