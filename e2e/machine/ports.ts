/** Free ports that stay free: below the range from which the kernel gives ports to clients. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** True where nothing listens on the port of the address. */
export function portIsFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port that nothing listens on. 20000–31999: below Linux' client ports (32768 on) and NodePorts apart. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = randomInt(20_000, 30_000);
    if (await portIsFree(port, host)) return port;
  }
  throw new Error(`no free port on ${host} between 20000 and 29999`);
}
