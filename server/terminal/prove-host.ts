/**
 * Who dialled? Any program in the sandbox can open the session's socket; only the session host knows the secret that
 * its container was started with. Nothing of a connection is believed before its proof (docs/protocol.md).
 */
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { FrameError, FromHost, parseJson, ToHost, type Frame, type HostHello } from '../../protocol/frames.ts';
import { checkProof, encodeChallenge, NONCE_BYTES } from '../../protocol/handshake.ts';
import { FrameChannel } from './frame-channel.ts';

/** As docs/protocol.md says: the host answers in a millisecond, in a container under load in hundreds. */
const DEADLINE_MS = 10_000;

const helloSchema = z.object({
  protocol: z.literal(1),
  purpose: z.enum(['terminal', 'file']),
  file: z.string().max(100).optional(),
  nonce: z.string().max(100),
  state: z.enum(['warm', 'running', 'exited']),
  generation: z.number().int().min(0),
  start: z.number().int().min(0),
  end: z.number().int().min(0),
});

/**
 * Calls `proven` with a channel whose other end holds the secret, at once, so that no frame behind the proof is lost:
 * it takes over the channel's handlers. In all other cases the stream is destroyed and `failed` told why.
 */
export function proveHost(
  stream: Duplex,
  secret: Buffer,
  proven: (hello: HostHello, channel: FrameChannel) => void,
  failed: (error: Error) => void,
): void {
  const channel = new FrameChannel(stream);
  const portalNonce = randomBytes(NONCE_BYTES);
  let hello: HostHello | undefined;
  let hostNonce = Buffer.alloc(0);
  const timer = setTimeout(() => channel.destroy(new FrameError('no proof in time')), DEADLINE_MS);
  channel.onClose = (error) => {
    clearTimeout(timer);
    failed(error ?? new FrameError('closed before the proof'));
  };
  channel.onFrame = (frame) => {
    if (!hello) {
      hello = readHello(frame);
      hostNonce = Buffer.from(hello.nonce, 'base64url');
      if (hostNonce.length !== NONCE_BYTES) throw new FrameError(`a nonce is ${NONCE_BYTES} bytes long`);
      channel.send(ToHost.challenge, encodeChallenge(secret, portalNonce, hostNonce));
      return;
    }
    if (frame.type !== FromHost.proof) throw new FrameError('a proof was due');
    if (!checkProof(secret, frame.payload, portalNonce, hostNonce)) throw new FrameError('the proof is wrong');
    clearTimeout(timer);
    proven(hello, channel);
  };
}

function readHello(frame: Frame): HostHello {
  if (frame.type !== FromHost.hello) throw new FrameError('a hello was due');
  const parsed = helloSchema.safeParse(parseJson(frame.payload));
  if (!parsed.success) throw new FrameError('the hello is not one');
  return parsed.data;
}
