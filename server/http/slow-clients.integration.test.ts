/** Clients that never come to an end of what they say, at the wire: they are cut, and nobody else waits for them. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBarePortal, type BarePortal } from '../../e2e/bare-portal.ts';
import { freePort } from '../../e2e/machine/ports.ts';

/** Ms, as docs/operations.md says it: fifteen seconds for the headers, seen five seconds later at most, two for the answer; one of slack. */
const BOUND = 23_000;
const HEAD = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n';

let portal: BarePortal;
let port: number;
let gatewayPort: number;
beforeAll(async () => {
  gatewayPort = await freePort();
  portal = await startBarePortal({ SALLYPORT_GATEWAY_PORT: String(gatewayPort) });
  port = Number(new URL(portal.origin).port);
});
afterAll(() => portal?.[Symbol.asyncDispose]());

const plain = () => connect({ port, host: '127.0.0.1' });
const gateway = () => connectTls({ port: gatewayPort, host: '127.0.0.1', rejectUnauthorized: false });

/** However it was closed: who still sends after the answer may be told by a reset. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** Says one more byte of an endless header each second. Resolves with how long it took to be cut, in ms. */
async function dribble(socket: Socket, first: string): Promise<number> {
  const started = performance.now();
  socket.on('error', () => {});
  socket.resume();
  socket.write(first);
  const more = setInterval(() => socket.write('x'), 1_000);
  await closed(socket);
  clearInterval(more);
  return performance.now() - started;
}

/** Says nothing at all, or stops in the middle. */
async function silent(socket: Socket, first = ''): Promise<number> {
  const started = performance.now();
  socket.on('error', () => {});
  socket.resume();
  if (first) socket.write(first);
  await closed(socket);
  return performance.now() - started;
}

test('headers that never end are cut within the bound, and others are served meanwhile', async () => {
  const slow = [
    ...Array.from({ length: 200 }, () => dribble(plain(), `${HEAD}X-Slow: `)),
    ...Array.from({ length: 20 }, () => dribble(gateway(), `${HEAD}X-Slow: `)),
    silent(plain()),
    silent(plain(), HEAD),
    silent(gateway()),
    // A TLS handshake that never comes.
    silent(connect({ port: gatewayPort, host: '127.0.0.1' })),
  ];
  const all = Promise.all(slow);
  let cut: number[] | undefined;
  void all.then((times) => (cut = times));
  let worst = 0;
  while (!cut) {
    const started = performance.now();
    expect((await fetch(`${portal.origin}/healthz`)).status).toBe(200);
    worst = Math.max(worst, performance.now() - started);
    // One at a time, a few a second: served is what is asked, not how many.
    await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 200))]);
  }
  expect(Math.max(...cut)).toBeLessThan(BOUND);
  expect(worst).toBeLessThan(1_000);
}, 40_000);

test.each([
  ['the portal', plain, 16],
  ['the gateway', gateway, 64],
])('%s takes headers up to its bound, and says when they are past it', async (_who, open, kib) => {
  const answer = async (bytes: number) => {
    const socket = open();
    socket.on('error', () => {});
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.write(`${HEAD}Connection: close\r\nX-Long: ${'x'.repeat(bytes)}\r\n\r\n`);
    await closed(socket);
    return Number(text.slice(9, 12));
  };
  expect(await answer(kib * 1024 - 512)).not.toBe(431);
  expect(await answer(kib * 1024 + 512)).toBe(431);
});
