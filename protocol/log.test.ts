import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CorruptLogError,
  decodeMark,
  decodeRecords,
  decodeResize,
  encodeMark,
  encodeRecord,
  encodeResize,
} from './log.ts';
import { RECORD_DATA_MAX, RECORD_HEADER_BYTES } from './log.ts';
import type { LogRecord } from './log.ts';

const record: fc.Arbitrary<LogRecord> = fc.record({
  kind: fc.constantFrom(1, 2, 3, 4),
  time: fc.bigInt({ min: 0n, max: 2n ** 63n }),
  data: fc.uint8Array({ maxLength: 300 }),
});

test('records survive any chunking, and what is cut off waits for the next chunk', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 20 }), fc.array(fc.nat(50)), (records, sizes) => {
      const bytes = Buffer.concat(records.map(encodeRecord));
      const read: LogRecord[] = [];
      let pending = Buffer.alloc(0);
      let at = 0;
      for (const size of [...sizes, bytes.length]) {
        pending = Buffer.concat([pending, bytes.subarray(at, at + size)]);
        at = Math.min(bytes.length, at + size);
        const { records: found, consumed } = decodeRecords(pending);
        read.push(...found.map((each) => ({ ...each, data: Uint8Array.from(each.data) })));
        pending = pending.subarray(consumed);
      }
      expect(read).toEqual(records);
      expect(pending.length).toBe(0);
    }),
  );
});

test('a log cut anywhere reads as its whole records', () => {
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 1, maxLength: 10 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (all, part) => {
        const bytes = Buffer.concat(all.map(encodeRecord));
        const cut = bytes.subarray(0, Math.floor(bytes.length * part));
        const { records, consumed } = decodeRecords(cut);
        expect(consumed).toBeLessThanOrEqual(cut.length);
        expect(records.map((each) => each.time)).toEqual(all.slice(0, records.length).map((each) => each.time));
        expect(cut.length - consumed).toBeLessThan(RECORD_HEADER_BYTES + 300);
      },
    ),
  );
});

test.each([
  ['a kind that does not exist', { at: 0, byte: 9 }],
  ['a length past the limit', { at: 9, byte: 0xff }],
])('%s is corrupt, at its place', (_name, { at, byte }) => {
  const good = encodeRecord({ kind: 1, time: 1n, data: Buffer.from('x') });
  const bad = Uint8Array.from(good);
  bad[at] = byte;
  const bytes = Buffer.concat([good, bad]);
  expect(() => decodeRecords(bytes)).toThrow(expect.objectContaining({ at: good.length }) as Error);
});

test('a record holds no more than the limit', () => {
  const data = new Uint8Array(RECORD_DATA_MAX + 1);
  expect(() => encodeRecord({ kind: 1, time: 0n, data })).toThrow(RangeError);
});

test('resizes and marks read back; others are corrupt', () => {
  expect(decodeResize(encodeResize(1000, 1))).toEqual({ cols: 1000, rows: 1 });
  expect(decodeMark(encodeMark({ mark: 'exit', code: 3, signal: null }))).toEqual({
    mark: 'exit',
    code: 3,
    signal: null,
  });
  expect(() => decodeResize(new Uint8Array(3))).toThrow(CorruptLogError);
  for (const text of ['', '3', 'null', '{}', '{"mark"'])
    expect(() => decodeMark(Buffer.from(text))).toThrow(CorruptLogError);
});
