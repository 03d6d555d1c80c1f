import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeRecords, RECORD_DATA_MAX, RECORD_HEADER_BYTES } from '../../protocol/log.ts';
import { SessionLog } from './session-log.ts';

const PLACE = RECORD_HEADER_BYTES;

function inPlace(data: Uint8Array): Uint8Array {
  return Buffer.concat([new Uint8Array(PLACE), data]);
}

/** A log's life: appends by copy and in place, and portals that come, read some, acknowledge some, and go. */
const step = fc.oneof(
  fc.record({ do: fc.constant('append' as const), kind: fc.constantFrom(1, 2, 3, 4), size: fc.nat(40) }),
  fc.record({ do: fc.constant('append' as const), kind: fc.constant(1), size: fc.integer({ min: 3000, max: 20000 }) }),
  fc.record({ do: fc.constant('output' as const), size: fc.nat(30000) }),
  fc.record({ do: fc.constant('read' as const), most: fc.integer({ min: 1, max: 50000 }) }),
  fc.record({ do: fc.constant('record' as const) }),
  fc.record({ do: fc.constant('reconnect' as const) }),
);

test('whatever the order of appends, reads, acknowledgements and reconnects: no gap, no double', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let now = 1_700_000_000_000;
      const log = new SessionLog(() => (now += 0.25));
      const written: Uint8Array[] = [];
      let recording = Buffer.alloc(0);
      let received = Buffer.alloc(0);
      const read = (most: number) => {
        const { parts, end } = log.read(recording.length + received.length, most);
        received = Buffer.concat([received, ...parts]);
        expect(recording.length + received.length).toBe(end);
      };
      for (const [index, each] of steps.entries()) {
        if (each.do === 'append' || each.do === 'output') {
          const data = new Uint8Array(each.size).fill(index);
          written.push(data);
          if (each.do === 'append') log.append(each.kind as 1, data);
          else log.appendOutputInPlace(inPlace(data));
        } else if (each.do === 'read') read(each.most);
        else if (each.do === 'record') {
          recording = Buffer.concat([recording, received]);
          received = Buffer.alloc(0);
          log.trim(recording.length);
          expect(log.start).toBe(recording.length);
        } else {
          // What was received and not recorded is lost with the portal; the next one asks from its recording's end.
          received = Buffer.alloc(0);
          expect(log.canReadFrom(recording.length)).toBe(true);
        }
      }
      while (recording.length + received.length < log.end) read(1000);
      const { records, consumed } = decodeRecords(Buffer.concat([recording, received]));
      expect(consumed).toBe(log.end);
      expect(records.map((record) => Uint8Array.from(record.data))).toEqual(written);
      const times = records.map((record) => record.time);
      expect(times).toEqual([...times].sort((a, b) => (a < b ? -1 : 1)));
    }),
  );
});

test('only a record’s start that is still held can be read from', () => {
  const log = new SessionLog(() => 0);
  for (let index = 0; index < 50; index += 1) log.append(1, new Uint8Array(index));
  const starts = new Set([0]);
  let at = 0;
  for (let index = 0; index < 50; index += 1) starts.add((at += RECORD_HEADER_BYTES + index));
  for (let offset = 0; offset <= log.end + 1; offset += 1) expect(log.canReadFrom(offset)).toBe(starts.has(offset));
  const middle = [...starts][20]!;
  log.trim(middle);
  for (let offset = 0; offset <= log.end; offset += 1)
    expect(log.canReadFrom(offset)).toBe(offset >= middle && starts.has(offset));
});

test('what is longer than a record becomes several; a clock’s time is kept to the microsecond', () => {
  const log = new SessionLog(() => 1_700_000_000_000.125);
  log.append(1, new Uint8Array(2 * RECORD_DATA_MAX + 5));
  const { records } = decodeRecords(Buffer.concat(log.read(0, Infinity).parts));
  expect(records.map((record) => record.data.length)).toEqual([RECORD_DATA_MAX, RECORD_DATA_MAX, 5]);
  expect(records[0]!.time).toBe(1_700_000_000_000_125n);
});
