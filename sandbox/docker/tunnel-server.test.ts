/** A sandbox in which somebody has taken the session host over: it holds the secret, and opens what it likes. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http2, { type ClientHttp2Session } from 'node:http2';
import { duplexPair, type Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { expect, test } from 'vitest';
import { TUNNEL_CIPHER } from '../../protocol/tunnel.ts';
import { serveTunnel } from './tunnel-server.ts';

const secret = randomBytes(32);

function dial(psk = secret): { session: ClientHttp2Session; taken: string[]; carrier: Duplex } {
  const [near, far] = duplexPair();
  const taken: string[] = [];
  const take = (kind: string) => (stream: Duplex) => {
    taken.push(kind);
    stream.resume();
  };
  near.on('error', () => {});
  far.on('error', () => {});
  serveTunnel(near, secret, { terminal: take('terminal'), api: take('api') });
  const secure = tlsConnect({
    socket: far as never,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    ciphers: TUNNEL_CIPHER,
    ALPNProtocols: ['h2'],
    pskCallback: () => ({ identity: 'host', psk }),
    checkServerIdentity: () => undefined,
  });
  secure.on('error', () => {});
  const session = http2.connect('https://portal', { createConnection: () => secure });
  session.on('error', () => {});
  return { session, taken, carrier: near };
}

async function ask(session: ClientHttp2Session, headers: Record<string, string>): Promise<number> {
  const stream = session.request(headers);
  stream.on('error', () => {});
  const [answer] = (await once(stream, 'response')) as [{ ':status': number }];
  stream.close();
  return answer[':status'];
}

test('terminal and api are the streams there are', async () => {
  const { session, taken } = dial();
  for (const kind of ['terminal', 'api'])
    expect(await ask(session, { ':method': 'CONNECT', ':authority': kind })).toBe(200);
  expect(await ask(session, { ':method': 'CONNECT', ':authority': 'engine' })).toBe(404);
  expect(await ask(session, { ':method': 'CONNECT', ':authority': '127.0.0.1:5432' })).toBe(404);
  expect(await ask(session, { ':method': 'GET', ':path': '/api', ':scheme': 'https' })).toBe(404);
  expect(taken).toEqual(['terminal', 'api']);
  session.destroy();
});

test('streams that are given up as they are opened harm nothing (CVE-2023-44487)', async () => {
  const { session } = dial();
  await once(session, 'connect');
  for (let i = 0; i < 500; i++) {
    const stream = session.request({ ':method': 'CONNECT', ':authority': i % 2 ? 'api' : 'nothing' });
    stream.on('error', () => {});
    stream.close(http2.constants.NGHTTP2_CANCEL);
  }
  // Either it goes on, or the tunnel ends: the host dials anew.
  if (!session.closed) await ask(session, { ':method': 'CONNECT', ':authority': 'api' }).catch(() => {});
  session.destroy();
  const next = dial();
  expect(await ask(next.session, { ':method': 'CONNECT', ':authority': 'api' })).toBe(200);
  next.session.destroy();
});

test('without the secret nothing is taken, and the carrier ends', async () => {
  const { session, taken, carrier } = dial(randomBytes(32));
  if (!carrier.destroyed) await once(carrier, 'close');
  expect(taken).toEqual([]);
  session.destroy();
});
