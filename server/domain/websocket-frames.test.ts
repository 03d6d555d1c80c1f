import { expect, it } from 'vitest';
import { UnknownProtocol, WebSocketFrames } from './websocket-frames.ts';

function frame(opcode: number, payload: string | Uint8Array, { fin = true, mask = false } = {}): Buffer {
  const data = Buffer.from(payload as string);
  const head = [(fin ? 0x80 : 0) | opcode];
  const bit = mask ? 0x80 : 0;
  if (data.length < 126) head.push(bit | data.length);
  else if (data.length < 65_536) head.push(bit | 126, data.length >> 8, data.length & 255);
  else
    head.push(
      bit | 127,
      0,
      0,
      0,
      0,
      data.length >>> 24,
      (data.length >> 16) & 255,
      (data.length >> 8) & 255,
      data.length & 255,
    );
  if (!mask) return Buffer.concat([Buffer.from(head), data]);
  const key = [1, 2, 3, 250];
  return Buffer.concat([Buffer.from([...head, ...key]), data.map((byte, at) => byte ^ key[at % 4]!)]);
}

/** Messages as text, from bytes cut into pieces of that size. */
function read(bytes: Buffer, size: number): string[] {
  const frames = new WebSocketFrames();
  const messages: string[] = [];
  let text = '';
  for (let at = 0; at < bytes.length; at += size)
    for (const { data, last, opcode } of frames.push(bytes.subarray(at, at + size))) {
      text += Buffer.from(data).toString('latin1');
      if (!last) continue;
      messages.push(`${opcode}:${text}`);
      text = '';
    }
  return messages;
}

const long = 'x'.repeat(300);
const longer = 'y'.repeat(70_000);
const stream = Buffer.concat([
  frame(2, 'one', { mask: true }),
  frame(9, 'ping'),
  frame(1, ''),
  frame(2, 'two', { fin: false }),
  frame(10, '', { mask: true }),
  frame(0, '', { fin: false }),
  frame(0, '-three', { mask: true }),
  frame(2, long, { mask: true }),
  frame(2, longer),
  frame(8, ''),
]);

it.each([1, 2, 3, 7, 64, 1_000, 1_000_000])('reads the same at any cut: %i', (size) => {
  expect(read(stream, size)).toEqual(['2:one', '1:', '2:two-three', `2:${long}`, `2:${longer}`]);
});

it.each([
  ['an extension', Buffer.from([0xc2, 1, 0])],
  ['a kind that is not', Buffer.from([0x83, 1, 0])],
  ['a control frame in parts', frame(9, 'x', { fin: false })],
  ['a continuation of nothing', frame(0, 'x')],
  ['a message within a message', Buffer.concat([frame(2, 'a', { fin: false }), frame(2, 'b')])],
  ['a frame without end', Buffer.from([0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255])],
])('knows no %s', (_, bytes) => {
  expect(() => read(bytes, 100)).toThrow(UnknownProtocol);
});

it('throws nothing else, whatever comes', () => {
  let seed = 3;
  const random = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
  for (let round = 0; round < 3_000; round++) {
    const bytes = Buffer.from(stream.subarray(0, random(400)));
    for (let hits = random(3); hits > 0 && bytes.length > 0; hits--) bytes[random(bytes.length)] = random(256);
    try {
      read(bytes, 1 + random(40));
    } catch (error) {
      expect(error).toBeInstanceOf(UnknownProtocol);
    }
  }
});
