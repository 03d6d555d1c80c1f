import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InputStreams, STREAMS_REMEMBERED } from './input-streams.ts';

test('whatever is resent, cut or skipped: each byte is taken once, in order', () => {
  const sends = fc.array(fc.tuple(fc.nat(200), fc.nat(60)), { maxLength: 50 });
  fc.assert(
    fc.property(sends, (each) => {
      const source = Uint8Array.from({ length: 300 }, (_, index) => index % 251);
      const streams = new InputStreams();
      const taken: number[] = [];
      for (const [position, length] of each) {
        const before = streams.position(7);
        const fresh = streams.take(7, position, source.subarray(position, position + length));
        if (position > before) expect(fresh.length).toBe(0);
        taken.push(...fresh);
        expect(streams.position(7)).toBe(taken.length);
      }
      expect(taken).toEqual([...source.subarray(0, taken.length)]);
    }),
  );
});

test('streams do not touch each other, and the oldest is forgotten first', () => {
  const streams = new InputStreams();
  for (let stream = 0; stream < STREAMS_REMEMBERED; stream += 1) streams.take(stream, 0, new Uint8Array(stream + 1));
  streams.take(0, 1, new Uint8Array(1));
  streams.take(1000, 0, new Uint8Array(1));
  expect(streams.position(0)).toBe(2);
  expect(streams.position(1)).toBe(0);
  expect(streams.position(2)).toBe(3);
  expect(streams.entries().at(-1)).toEqual([1000, 1]);
  expect(streams.entries()).toHaveLength(STREAMS_REMEMBERED);
});
