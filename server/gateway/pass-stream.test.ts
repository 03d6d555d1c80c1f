/** What passes arrives, whole and in order, no faster than it is taken; and its memory is free once it has been written. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { passStream } from './pass-stream.ts';

const nothing = () => null;

/** Takes what is written only when told, as a slow network does. */
function slowEnd() {
  const taken: Buffer[] = [];
  let take: ((error?: Error) => void) | undefined;
  const end = new Duplex({
    highWaterMark: 16 * 1024,
    read() {},
    write(chunk: Buffer, _encoding, done) {
      taken.push(Buffer.from(chunk));
      take = done;
    },
  });
  end.on('error', () => {});
  return { end, taken, step: (error?: Error) => take?.(error) };
}

/** Memory of its own, as of each piece that TLS hands over. */
function piece(size: number, byte: number): Buffer {
  return Buffer.from(new Uint8Array(size).fill(byte).buffer);
}

/** Two ends of a connection. */
async function socketPair() {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [far] = (await once(server, 'connection')) as [Socket];
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy();
      far.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('every byte in order, whatever the pieces and whatever it waits for', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 40_000 }), fc.boolean()), { maxLength: 20 }),
      async (pieces) => {
        const from = new PassThrough();
        await using pair = await socketPair();
        const { near, far } = pair;
        const waits = pieces.map(([, wait]) => wait);
        passStream(from, near, () => (waits.shift() ? turn().then(() => {}) : null));
        const expected = pieces.map(([size], at) => Buffer.alloc(size, at));
        for (const [at, [size]] of pieces.entries()) from.write(piece(size, at));
        from.end();
        const arrived: Buffer[] = [];
        for await (const chunk of far as AsyncIterable<Buffer>) arrived.push(chunk);
        expect(Buffer.concat(arrived).equals(Buffer.concat(expected))).toBe(true);
      },
    ),
    { numRuns: 50 },
  ));

test('a large piece is freed once it is written, and no sooner', async () => {
  const from = new PassThrough();
  const { end, taken, step } = slowEnd();
  passStream(from, end, nothing);
  const first = piece(16_000, 1);
  from.write(first);
  await turn();
  await turn();
  expect(taken).toHaveLength(1);
  expect(first).toHaveLength(16_000);
  step();
  await turn();
  expect(first).toHaveLength(0);
  expect(taken[0]!.equals(Buffer.alloc(16_000, 1))).toBe(true);
});

test('what is not alone in its memory, what is small, and what could not be written is left', async () => {
  const whole = new Uint8Array(40_000).fill(3);
  const part = Buffer.from(whole.buffer, 0, 20_000);
  const small = piece(1_000, 4);
  for (const [chunk, error] of [
    [part, undefined],
    [small, undefined],
    [piece(16_000, 5), new Error('gone')],
  ] as const) {
    const from = new PassThrough();
    const { end, step } = slowEnd();
    passStream(from, end, nothing);
    const { length } = chunk;
    from.write(chunk);
    await turn();
    await turn();
    step(error);
    await turn();
    expect(chunk).toHaveLength(length);
  }
  expect(whole).toHaveLength(40_000);
});

test('who takes nothing stops it, also where something else has it wait, and it goes on when both are over', async () => {
  const from = new PassThrough();
  const { end, taken, step } = slowEnd();
  let over = () => {};
  passStream(from, end, () => new Promise<void>((resolve) => (over = resolve)));
  from.write(piece(20_000, 1));
  from.write(piece(20_000, 2));
  await turn();
  await turn();
  expect(taken).toHaveLength(1);
  over();
  await turn();
  expect(from.isPaused()).toBe(true);
  const drained = once(end, 'drain');
  step();
  await drained;
  await turn();
  await turn();
  expect(taken).toHaveLength(2);
});

test('an end that is gone is written to no more, and what still comes for it is read', async () => {
  const from = new PassThrough();
  const { end } = slowEnd();
  const seen: number[] = [];
  passStream(from, end, (chunk) => {
    seen.push(chunk.length);
    return null;
  });
  end.destroy();
  await once(end, 'close');
  from.end(piece(20_000, 1));
  await once(from, 'end');
  expect(seen).toEqual([20_000]);
});
