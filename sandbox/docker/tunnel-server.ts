/** The portal's end of a tunnel through the engine's exec (docs/protocol.md, "Exec"): TLS by the secret, HTTP/2 in it. */
import http2 from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { TlsOptions } from 'node:tls';
import { TUNNEL_CIPHER, TUNNEL_WINDOW } from '../../protocol/tunnel.ts';
import type { SandboxStreams } from '../../server/ports/sandbox-runtime.ts';

/** Hands over the streams that the other end opens. Who does not prove the secret loses the carrier, which is its whole end. */
export function serveTunnel(carrier: Duplex, secret: Buffer, streams: SandboxStreams): void {
  const options: TlsOptions = {
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    ciphers: TUNNEL_CIPHER,
    pskCallback: () => secret,
  };
  const server = http2.createSecureServer({ ...options, settings: { initialWindowSize: TUNNEL_WINDOW } });
  server.on('session', (session) => {
    session.setLocalWindowSize(TUNNEL_WINDOW * 4);
    session.once('close', () => carrier.destroy());
  });
  server.on('sessionError', () => carrier.destroy());
  server.on('tlsClientError', () => carrier.destroy());
  server.on('stream', (stream, headers) => take(stream, headers[':method'], headers[':authority'], streams));
  // It never listens: the relay is its one connection.
  server.emit('connection', carrier);
}

function take(
  stream: ServerHttp2Stream,
  method: string | undefined,
  kind: string | undefined,
  streams: SandboxStreams,
): void {
  stream.on('error', () => {});
  // Given up in the same flight as it was opened: to answer it would throw, and so end the portal.
  if (stream.destroyed || stream.closed) return;
  if (method !== 'CONNECT' || (kind !== 'terminal' && kind !== 'api')) {
    stream.respond({ ':status': 404 }, { endStream: true });
    return;
  }
  stream.respond({ ':status': 200 });
  streams[kind](stream);
}
