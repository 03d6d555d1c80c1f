import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeMessage, encodeFrame, encodeMessage, FRAME_MAX, FrameError, FrameReader, json } from './frames.ts';
import { parseJson, readU32, readU64, u32, u64 } from './frames.ts';
import type { Frame } from './frames.ts';

const frame = fc.record({ type: fc.integer({ min: 0, max: 255 }), payload: fc.uint8Array({ maxLength: 200 }) });

test('frames survive any chunking of the stream', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 20 }), fc.array(fc.integer({ min: 1, max: 64 })), (frames, sizes) => {
      const bytes = Buffer.concat(frames.map(({ type, payload }) => encodeFrame(type, payload)));
      const reader = new FrameReader();
      const read: Frame[] = [];
      let at = 0;
      for (const size of [...sizes, bytes.length + 1]) {
        for (const found of reader.push(bytes.subarray(at, at + size)))
          read.push({ type: found.type, payload: Uint8Array.from(found.payload) });
        at += size;
      }
      expect(read).toEqual(frames);
    }),
  );
});

test('a payload may come in parts', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 5 }), (parts) => {
      expect(encodeFrame(7, ...parts)).toEqual(encodeFrame(7, Buffer.concat(parts)));
      expect(decodeMessage(encodeMessage(7, ...parts)).payload).toEqual(Uint8Array.from(Buffer.concat(parts)));
    }),
  );
});

test.each([0, FRAME_MAX + 1, 0xffffffff])('a length of %d ends the stream', (length) => {
  expect(() => new FrameReader().push(u32(length))).toThrow(FrameError);
});

test('frames past the limit, empty messages and broken JSON are refused', () => {
  expect(() => encodeFrame(1, new Uint8Array(FRAME_MAX))).toThrow(FrameError);
  expect(() => decodeMessage(new Uint8Array())).toThrow(FrameError);
  expect(() => decodeMessage(new Uint8Array(FRAME_MAX + 1))).toThrow(FrameError);
  expect(() => parseJson(Buffer.from('{'))).toThrow(FrameError);
  expect(parseJson(json({ a: 1 }))).toEqual({ a: 1 });
});

test('numbers read back wherever they lie; short payloads and offsets past 2^53 are refused', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat(0xffffffff), fc.nat(5), (offset, stream, at) => {
      expect(readU64(Buffer.concat([new Uint8Array(at), u64(offset)]), at)).toBe(offset);
      expect(readU32(Buffer.concat([new Uint8Array(at), u32(stream)]), at)).toBe(stream);
    }),
  );
  expect(() => readU64(new Uint8Array(7))).toThrow(FrameError);
  expect(() => readU32(new Uint8Array(7), 4)).toThrow(FrameError);
  expect(() => readU64(Buffer.alloc(8, 0xff))).toThrow(FrameError);
});
