/**
 * Where no socket can be shared, the portal runs relays in the sandbox that dial the host's abstract socket. Through
 * a relay: TLS with the sandbox's secret as pre-shared key, in it one HTTP/2 connection, whose streams the host opens.
 */
import http2 from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { TUNNEL_CIPHER, TUNNEL_WINDOW } from '../../protocol/tunnel.ts';
import type { StreamKind, Way } from './way.ts';

/** Anybody in the sandbox may dial the socket; who cannot prove the secret is gone after this. */
const HANDSHAKE_MS = 10_000;
const UNPROVEN_MAX = 8;

export function execWay(name: string, secret: Buffer): Way {
  const sessions: ClientHttp2Session[] = [];
  let unproven = 0;
  const way: Way = {
    dial: (kind) => {
      const session = sessions.at(-1);
      return session ? open(session, kind) : Promise.reject(new Error('no relay is connected'));
    },
    onPortal: () => {},
  };

  function tunnel(raw: Socket): void {
    if (unproven >= UNPROVEN_MAX) return void raw.destroy();
    unproven += 1;
    const secure = tlsConnect({
      socket: raw,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
      ciphers: TUNNEL_CIPHER,
      ALPNProtocols: ['h2'],
      pskCallback: () => ({ identity: 'host', psk: secret }),
      // Both sides are authenticated by the key; there are no certificates.
      checkServerIdentity: () => undefined,
    });
    const timer = setTimeout(() => raw.destroy(), HANDSHAKE_MS);
    const proven = () => {
      clearTimeout(timer);
      unproven -= 1;
      secure.off('close', proven);
    };
    raw.on('error', () => {});
    secure.on('error', () => raw.destroy());
    secure.once('close', proven);
    secure.once('secureConnect', () => {
      proven();
      serve(secure);
    });
  }

  function serve(secure: Duplex): void {
    const session = http2.connect('https://portal', {
      createConnection: () => secure,
      settings: { initialWindowSize: TUNNEL_WINDOW },
    });
    session.on('error', () => {});
    session.once('close', () => {
      const at = sessions.indexOf(session);
      if (at >= 0) sessions.splice(at, 1);
    });
    session.once('connect', () => {
      session.setLocalWindowSize(TUNNEL_WINDOW * 4);
      sessions.push(session);
      way.onPortal();
    });
  }

  createServer({ allowHalfOpen: true }, tunnel).listen(`\0${name}`);
  return way;
}

function open(session: ClientHttp2Session, kind: StreamKind): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'CONNECT', ':authority': kind });
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('the relay is gone')));
    stream.once('response', (headers) => {
      stream.off('error', reject);
      if (headers[':status'] === 200) return resolve(stream);
      stream.destroy();
      reject(new Error(`the portal answered ${headers[':status']}`));
    });
  });
}
