/** A light client of the portal's terminal socket: what the page does, without an emulator. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { decodeMessage, encodeMessage, FromBrowser, readU64, ToBrowser, u32, u64 } from '../protocol/frames.ts';
import type { Portal } from './rest.ts';
import { Outlet, type BenchTerminal } from './terminal.ts';

/** Connects to a session that the portal has opened; resolves with the socket open. */
export async function attach(portal: Portal, session: string, ticket: string): Promise<BenchTerminal> {
  const stream = randomInt(1, 2 ** 32 - 1);
  const url = new URL(`/api/v1/sessions/${session}/terminal?stream=${stream}&cols=80&rows=24`, portal.url);
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new WebSocket(url, ['sallyport.v1', `ticket.${ticket}`], {
    headers: portal.headers,
    perMessageDeflate: false,
    rejectUnauthorized: false, // the portal's own development certificate, on loopback
  });
  let position = 0;
  const outlet = new Outlet();
  const terminal: BenchTerminal = {
    listen: outlet.listen,
    write(bytes) {
      const data = Buffer.from(bytes as string);
      socket.send(encodeMessage(FromBrowser.input, u32(stream), u64(position), data));
      position += data.length;
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    async close() {
      if (socket.readyState === WebSocket.CLOSED) return;
      socket.terminate();
      await once(socket, 'close');
    },
  };
  socket.on('message', (message: Buffer) => {
    const { type, payload } = decodeMessage(message);
    if (type !== ToBrowser.output && type !== ToBrowser.snapshot) return;
    // A page acknowledges from term.write's callback; this client has nothing to render and acknowledges at once.
    socket.send(encodeMessage(FromBrowser.ack, u64(readU64(payload))));
    outlet.push(message.subarray(9));
  });
  await once(socket, 'open');
  return terminal;
}
