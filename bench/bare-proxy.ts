/**
 * A bare Node streaming proxy, to compare the gateway with: TLS in, the same bytes up on kept connections, the answer
 * piped back; no decision, no record. Its address is the one line on stdout. With `HTTP2` set it speaks HTTP/2 to whom
 * asks for it, to compare the two.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { createSecureServer } from 'node:http2';
import { Agent, createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';

const { SERVER, CA, CERT, KEY, TLS_CERT, TLS_KEY, HTTP2 } = process.env as Record<string, string>;
const upstream = new URL(SERVER!);
const file = (path: string | undefined) => readFileSync(path!);
const agent = new Agent({ keepAlive: true, ca: file(CA), cert: file(CERT), key: file(KEY) });
const tls = { cert: file(TLS_CERT), key: file(TLS_KEY) };

const server = HTTP2
  ? // Its messages have the same shape, though not the same type.
    createSecureServer({ ...tls, allowHTTP1: true }, proxy as never)
  : createServer(tls, proxy);

function proxy(incoming: IncomingMessage, response: ServerResponse): void {
  const { host: _, ...given } = incoming.headers;
  const headers = incoming.httpVersionMajor === 2 ? without(given, /^:/) : given;
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
      const told = incoming.httpVersionMajor === 2 ? without(answer.headers, CONNECTION_HEADER) : answer.headers;
      response.writeHead(answer.statusCode!, told);
      response.flushHeaders();
      answer.pipe(response);
    },
  );
  outgoing.once('error', () => response.destroy());
  response.once('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
}

/** RFC 9113, 8.2.2. */
const CONNECTION_HEADER = /^(connection|keep-alive|proxy-connection|transfer-encoding|upgrade)$/;

function without(headers: OutgoingHttpHeaders, name: RegExp): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([key]) => !name.test(key)));
}

server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
