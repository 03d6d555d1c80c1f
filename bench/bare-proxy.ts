/**
 * A bare Node streaming proxy, to compare the gateway with: TLS in, the same bytes up on kept connections, the answer
 * piped back; no decision, no record. Its address is the one line on stdout.
 */
import { readFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';

const { SERVER, CA, CERT, KEY, TLS_CERT, TLS_KEY } = process.env as Record<string, string>;
const upstream = new URL(SERVER!);
const file = (path: string | undefined) => readFileSync(path!);
const agent = new Agent({ keepAlive: true, ca: file(CA), cert: file(CERT), key: file(KEY) });

const server = createServer({ cert: file(TLS_CERT), key: file(TLS_KEY) }, (incoming, response) => {
  const { host: _, ...headers } = incoming.headers;
  const outgoing = request(
    {
      hostname: upstream.hostname,
      port: upstream.port,
      method: incoming.method,
      path: incoming.url,
      headers,
      agent,
    },
    (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
    },
  );
  outgoing.once('error', () => response.destroy());
  response.once('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
