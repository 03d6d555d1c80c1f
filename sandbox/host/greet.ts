/** The host's half of a connection's start: hello, the portal's proof, its own. See docs/protocol.md. */
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { FromHost, json, ToHost } from '../../protocol/frames.ts';
import type { Frame, HostHello } from '../../protocol/frames.ts';
import { encodeProof, NONCE_BYTES, openChallenge } from '../../protocol/handshake.ts';
import { Framed } from './framed.ts';

const HANDSHAKE_MS = 10_000;

/** The connection once both sides have proven the secret; null where it ended before. */
export function greet(
  stream: Duplex,
  secret: Uint8Array,
  hello: Omit<HostHello, 'nonce' | 'protocol'>,
): Promise<Framed | null> {
  const connection = new Framed(stream);
  const nonce = randomBytes(NONCE_BYTES);
  return new Promise((resolve) => {
    const timer = setTimeout(() => connection.close(), HANDSHAKE_MS);
    const settle = (result: Framed | null) => {
      clearTimeout(timer);
      connection.onClose = () => {};
      resolve(result);
    };
    connection.onClose = () => settle(null);
    connection.onFrame = (frame: Frame) => {
      if (frame.type !== ToHost.challenge) return connection.refuse('protocol', 'the first frame is a challenge');
      const portalNonce = openChallenge(secret, frame.payload, nonce);
      if (!portalNonce) return connection.refuse('unauthentic', 'the challenge does not prove the secret');
      connection.send(FromHost.proof, encodeProof(secret, portalNonce, nonce));
      connection.onFrame = () => connection.refuse('protocol', 'nothing may be sent before the proof is there');
      settle(connection);
    };
    connection.send(FromHost.hello, json({ ...hello, protocol: 1, nonce: nonce.toString('base64url') }));
  });
}
