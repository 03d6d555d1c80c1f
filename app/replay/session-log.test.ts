import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CorruptLogError, encodeMark, encodeRecord, encodeResize, RecordKind } from '../../protocol/log.ts';
import { activity, firstAfter, groupMarks, markWords, SessionLog } from './session-log.ts';

const text = (value: string) => new TextEncoder().encode(value);
const epoch = 1_763_800_000_000_000n;

function sample(): Uint8Array {
  const parts = [
    encodeRecord({ kind: RecordKind.resize, time: epoch, data: encodeResize(120, 40) }),
    encodeRecord({ kind: RecordKind.output, time: epoch + 1_000n, data: text('$ ') }),
    encodeRecord({ kind: RecordKind.input, time: epoch + 500_000n, data: text('ls\r') }),
    encodeRecord({ kind: RecordKind.output, time: epoch + 600_000n, data: text('file\r\n$ ') }),
    encodeRecord({ kind: RecordKind.mark, time: epoch + 900_000n, data: encodeMark({ mark: 'secret' }) }),
    encodeRecord({
      kind: RecordKind.mark,
      time: epoch + 2_000_000n,
      data: encodeMark({ mark: 'exit', code: 0, signal: null }),
    }),
  ];
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function read(chunks: Uint8Array[]): SessionLog {
  const log = new SessionLog();
  for (const chunk of chunks) log.push(chunk);
  return log;
}

const plain = (log: SessionLog) => ({
  records: log.records.map((record) => (record.kind === 'output' ? [...record.bytes] : [record.cols, record.rows])),
  times: log.records.map((record) => record.atMs),
  marks: log.marks,
  inputs: log.inputs.map(({ atMs, bytes }) => [atMs, ...bytes]),
  duration: log.durationMs,
  start: log.startMs,
  bytes: log.bytes,
});

test('a recording is on one clock that starts at its first record', () => {
  const log = read([sample()]);
  expect(log.startMs).toBe(1_763_800_000_000);
  expect(log.durationMs).toBe(2000);
  expect(log.records.map(({ atMs }) => atMs)).toEqual([0, 1, 600]);
  expect(log.marks.map(({ atMs }) => atMs)).toEqual([900, 2000]);
});

test('however it is cut into chunks, it is the same', () => {
  const whole = sample();
  const expected = plain(read([whole]));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: whole.length })), (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
      const chunks = at.slice(1).map((end, index) => whole.slice(at[index], end));
      expect(plain(read(chunks))).toEqual(expected);
    }),
  );
});

test('a clock that was set back does not send the replay back', () => {
  const log = read([
    encodeRecord({ kind: RecordKind.output, time: epoch, data: text('a') }),
    encodeRecord({ kind: RecordKind.output, time: epoch + 5_000n, data: text('b') }),
    encodeRecord({ kind: RecordKind.output, time: epoch - 9_000n, data: text('c') }),
  ]);
  expect(log.records.map(({ atMs }) => atMs)).toEqual([0, 5, 5]);
});

test('what is no log is said to be none', () => {
  expect(() => read([new Uint8Array(64).fill(255)])).toThrow(CorruptLogError);
});

describe('finding one’s place', () => {
  const records = [0, 1, 1, 5].map((atMs) => ({ atMs }));
  test.each([
    [-1, 0],
    [0, 1],
    [1, 3],
    [4.9, 3],
    [5, 4],
  ])('after %d ms comes record %d', (atMs, index) => expect(firstAfter(records, atMs)).toBe(index));
});

test('activity is between 0 and 1, and shows where something happened', () => {
  const bars = activity(read([sample()]), 10);
  expect(bars.length).toBe(10);
  expect(Math.max(...bars)).toBe(1);
  expect(bars.filter((bar) => bar > 0).length).toBe(2);
});

test('each mark has words', () => {
  expect(markWords({ mark: 'exit', code: null, signal: 9 })).toBe('The shell ended by signal 9');
  expect(markWords({ mark: 'file', direction: 'upload', path: '/tmp/a', bytes: 3 })).toBe('Uploaded /tmp/a');
});

test('marks that are too close to be hit one by one share a button', () => {
  const marks = [0, 10, 30, 500, 990].map((atMs) => ({ atMs, mark: { mark: 'secret' as const } }));
  const sizes = (width: number) => groupMarks(marks, 1000, width, 24).map((group) => group.length);
  expect(sizes(800)).toEqual([2, 1, 1, 1]);
  expect(sizes(300)).toEqual([3, 1, 1]);
  expect(sizes(10)).toEqual([5]);
});
