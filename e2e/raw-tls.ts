/** Bytes on the wire as an attacker writes them: no HTTP client in between that would tidy them up. */
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';

export type RawAnswer = { status: number; head: string; body: string };

/** A TLS connection that trusts `ca`; ALPN as given. */
export async function rawConnect(port: number, ca: string, alpn: string[] = ['http/1.1']): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca, ALPNProtocols: alpn });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

/** Sends the bytes; resolves with all that came back when the other side has closed. */
export async function rawExchange(socket: TLSSocket, bytes: string | Buffer): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  const closed = once(socket, 'close');
  socket.write(bytes);
  await closed;
  return text;
}

/** The answers in a stream of bytes; bodies by content-length, or all that is left. */
export function parseAnswers(text: string): RawAnswer[] {
  const out: RawAnswer[] = [];
  for (let rest = text; rest.startsWith('HTTP/1.1 ');) {
    const end = rest.indexOf('\r\n\r\n');
    const head = rest.slice(0, end);
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    const from = end + 4;
    const to = length === undefined ? rest.length : from + Number(length);
    out.push({ status: Number(head.slice(9, 12)), head, body: rest.slice(from, to) });
    rest = rest.slice(to);
  }
  return out;
}
