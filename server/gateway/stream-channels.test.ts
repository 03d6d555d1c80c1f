import { constants, createDeflate } from 'node:zlib';
import { expect, it } from 'vitest';
import { spdyDictionary } from '../domain/spdy-frames.ts';
import { UnknownProtocol } from '../domain/websocket-frames.ts';
import { type Direction, isKnownStream, type StreamSink, tapOf } from './stream-channels.ts';

/** What the sink is told, a line each; bytes of one channel that follow each other are one. */
function listener() {
  const lines: string[] = [];
  const add = (channel: string, text: string) => {
    if (lines.at(-1)?.startsWith(`${channel}:`)) lines[lines.length - 1] += text;
    else lines.push(`${channel}:${text}`);
  };
  const sink: StreamSink = {
    data: (channel, bytes) => add(channel, Buffer.from(bytes).toString('latin1')),
    connected: (connection, port) => lines.push(`${connection} to ${port}`),
    moved: (connection, direction, bytes) => add(`${connection} ${direction}`, '.'.repeat(bytes)),
    closed: (connection) => lines.push(`${connection} closed`),
  };
  return { lines, sink };
}

type Part = [Direction, Buffer];
/** Each piece is gone once it has been pushed: its memory is used again. */
function play(how: 'websocket' | 'spdy', subresource: string, parts: Part[], size: number): string[] {
  const { lines, sink } = listener();
  const tap = tapOf(how, subresource, sink);
  for (const [direction, bytes] of parts)
    for (let at = 0; at < bytes.length; at += size) {
      const piece = Buffer.from(bytes.subarray(at, at + size));
      tap.push(direction, piece);
      piece.fill(0xee);
    }
  return lines;
}

function webSocket(opcode: number, payload: string | Buffer, fin = true): Buffer {
  const data = Buffer.from(payload as string);
  expect(data.length).toBeLessThan(126);
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode, data.length]), data]);
}

/** One direction's compressor, as spdystream has it. */
function headerBlocks() {
  const deflate = createDeflate({ dictionary: spdyDictionary() });
  return (headers: Record<string, string>): Promise<Buffer> => {
    const text = (value: string) => {
      const bytes = Buffer.from(value);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    };
    const count = Buffer.alloc(4);
    count.writeUInt32BE(Object.keys(headers).length);
    const block = Buffer.concat([
      count,
      ...Object.entries(headers).flatMap(([name, value]) => [text(name), text(value)]),
    ]);
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      const take = (chunk: Buffer) => chunks.push(chunk);
      deflate.on('data', take);
      deflate.write(block);
      deflate.flush(constants.Z_SYNC_FLUSH, () => {
        deflate.off('data', take);
        resolve(Buffer.concat(chunks));
      });
    });
  };
}
function control(kind: number, payload: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(0x80030000 + kind, 0);
  head.writeUInt32BE(flags * 0x1000000 + payload.length, 4);
  return Buffer.concat([head, payload]);
}
function id(stream: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(stream);
  return bytes;
}
const syn = (stream: number, block: Buffer) => control(1, Buffer.concat([id(stream), Buffer.alloc(6), block]));
function data(stream: number, text: string, fin = false): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(stream, 0);
  head.writeUInt32BE((fin ? 0x1000000 : 0) + text.length, 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

const SIZES = [1, 2, 5, 13, 1_000];

it.each(SIZES)('remote command over WebSocket, in pieces of %i', (size) => {
  const parts: Part[] = [
    ['up', webSocket(2, '\x04{"Width":80}')],
    ['up', webSocket(2, '\x00l', false)],
    ['up', webSocket(0, 's\r')],
    ['down', webSocket(2, '')],
    ['down', webSocket(2, '\x01file')],
    ['down', webSocket(9, 'ping')],
    ['down', webSocket(2, '\x02oh')],
    ['up', webSocket(2, '\xff\x00')],
    ['down', webSocket(2, '\x03{"status":"Success"}')],
  ];
  expect(play('websocket', 'exec', parts, size)).toEqual([
    'resize:{"Width":80}',
    'stdin:ls\r',
    'stdout:file',
    'stderr:oh',
    'error:{"status":"Success"}',
  ]);
});

it.each(SIZES)('remote command over SPDY, in pieces of %i', async (size) => {
  const block = headerBlocks();
  const types = ['error', 'stdin', 'stdout', 'stderr'];
  const parts: Part[] = [];
  for (const [at, streamtype] of types.entries()) parts.push(['up', syn(at * 2 + 1, await block({ streamtype }))]);
  parts.push(
    ['down', control(2, Buffer.concat([id(1), Buffer.alloc(20)]))],
    ['up', data(3, 'ls\n')],
    ['up', control(6, id(1))],
    ['down', data(5, 'file')],
    ['down', data(7, 'oh')],
    ['up', data(3, '', true)],
    ['down', data(1, '{}', true)],
  );
  expect(play('spdy', 'exec', parts, size)).toEqual(['stdin:ls\n', 'stdout:file', 'stderr:oh', 'error:{}']);
});

it.each(SIZES)('port-forward over SPDY, bare and in a WebSocket, in pieces of %i', async (size) => {
  const block = headerBlocks();
  const open = async (stream: number, streamtype: string) =>
    syn(stream, await block({ streamtype, port: '8080', requestid: '0' }));
  const parts: Part[] = [
    ['up', await open(1, 'error')],
    ['up', await open(3, 'data')],
    ['up', data(3, 'GET')],
    ['down', data(3, 'hello')],
    ['down', data(3, '', true)],
    ['up', data(3, '', true)],
    ['up', await open(5, 'data')],
    ['down', control(3, Buffer.concat([id(5), id(3)]))],
  ];
  const expected = ['3 to 8080', '3 up:...', '3 down:.....', '3 closed', '5 to 8080', '5 closed'];
  expect(play('spdy', 'portforward', parts, size)).toEqual(expected);
  const wrapped = parts.flatMap(([direction, bytes]): Part[] =>
    Array.from({ length: Math.ceil(bytes.length / 100) }, (_, at) => [
      direction,
      webSocket(2, bytes.subarray(at * 100, at * 100 + 100)),
    ]),
  );
  expect(play('websocket', 'portforward', wrapped, size)).toEqual(expected);
});

it('says what it does not know', async () => {
  const block = headerBlocks();
  const odd = syn(1, await block({ streamtype: 'telepathy' }));
  for (const bytes of [
    odd,
    syn(1, Buffer.from('nonsense')),
    control(1, Buffer.alloc(70_000)),
    Buffer.from('GET / HTTP/1.1\r\n'),
  ])
    expect(() => play('spdy', 'exec', [['up', bytes]], 1_000)).not.toThrow(TypeError);
  expect(() => play('spdy', 'exec', [['up', odd]], 1_000)).toThrow(UnknownProtocol);
  expect(() => play('spdy', 'exec', [['up', syn(1, Buffer.from('nonsense'))]], 1_000)).toThrow(UnknownProtocol);
  expect(() => play('spdy', 'exec', [['up', Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0])]], 1_000)).toThrow(
    UnknownProtocol,
  );
});

it('throws nothing else, whatever comes', async () => {
  const block = headerBlocks();
  const whole = Buffer.concat([
    syn(1, await block({ streamtype: 'stdin' })),
    data(1, 'x'),
    control(3, Buffer.alloc(8)),
  ]);
  let seed = 5;
  const random = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(whole.subarray(0, random(whole.length + 1)));
    for (let hits = random(4); hits > 0 && bytes.length > 0; hits--) bytes[random(bytes.length)] = random(256);
    for (const how of ['spdy', 'websocket'] as const)
      try {
        play(
          how,
          random(2) ? 'exec' : 'portforward',
          [
            ['up', bytes],
            ['down', bytes],
          ],
          1 + random(50),
        );
      } catch (error) {
        expect(error).toBeInstanceOf(UnknownProtocol);
      }
  }
});

it.each([
  ['websocket', 'exec', 'v5.channel.k8s.io', true],
  ['websocket', 'attach', 'v4.channel.k8s.io', true],
  ['websocket', 'exec', 'base64.channel.k8s.io', false],
  ['websocket', 'exec', '', false],
  ['websocket', 'portforward', 'SPDY/3.1+portforward.k8s.io', true],
  ['websocket', 'portforward', 'v4.channel.k8s.io', false],
  ['spdy', 'exec', '', true],
] as const)('%s %s by "%s" can be told apart: %s', (how, subresource, subprotocol, known) => {
  expect(isKnownStream(how, subresource, subprotocol)).toBe(known);
});
