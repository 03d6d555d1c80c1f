/** What a stream leaves in its recording: every byte in order, much of it in few writes, and what is typed at once. */
import { expect, test, vi } from 'vitest';
import { decodeRecords, RecordKind } from '../../protocol/log.ts';
import type { StreamFacts } from '../domain/stream-facts.ts';
import { type StreamLog, StreamRecorder } from './stream-recorder.ts';

const facts: StreamFacts = {
  kind: 'exec',
  namespace: 'a',
  pod: 'b',
  container: '',
  command: ['sh'],
  tty: false,
  stdin: true,
};

/** Writes as a disk does: later, and from the buffer that it was given. */
function slowLog() {
  const kept: Buffer[] = [];
  const under: { bytes: Uint8Array; written: () => void }[] = [];
  const log: StreamLog & {
    step(): void;
    readonly records: ReturnType<typeof decodeRecords>['records'];
    writes: number;
  } = {
    writes: 0,
    onError: undefined,
    get pending() {
      return under.reduce((sum, { bytes }) => sum + bytes.length, 0);
    },
    append(bytes, written) {
      log.writes++;
      under.push({ bytes, written });
    },
    step() {
      const next = under.shift();
      if (!next) return;
      kept.push(Buffer.from(next.bytes));
      next.written();
    },
    get records() {
      return decodeRecords(Buffer.concat(kept)).records;
    },
    async close() {
      while (under.length > 0) log.step();
    },
  };
  return log;
}

const recorderOf = (log: StreamLog) =>
  new StreamRecorder(facts, {
    log,
    most: Number.POSITIVE_INFINITY,
    now: () => new Date(1_000),
    onFailed: (error) => {
      throw error;
    },
  });

test('much goes to the disk in few writes, in order, though it is slow and pieces come in the buffer of the one before', async () => {
  const log = slowLog();
  const recorder = recorderOf(log);
  const expected: Buffer[] = [];
  const piece = Buffer.alloc(32 * 1024);
  for (let at = 0; at < 200; at++) {
    const size = 9_000 + ((at * 7_919) % 23_000);
    piece.fill(at % 251, 0, size);
    expected.push(Buffer.from(piece.subarray(0, size)));
    recorder.data('stdin', piece.subarray(0, size));
    if (at % 9 === 0) log.step();
  }
  await recorder.finish();
  const data = log.records.filter(({ kind }) => kind === RecordKind.input).map((record) => Buffer.from(record.data));
  expect(Buffer.concat(data).equals(Buffer.concat(expected))).toBe(true);
  expect(log.writes).toBeLessThan(30);
});

test('a little is handed over at once where the disk has nothing to do; what follows goes together, in order', async () => {
  vi.useFakeTimers();
  try {
    const log = slowLog();
    const recorder = recorderOf(log);
    log.step();
    const before = log.writes;
    recorder.data('stdout', Buffer.from('prompt'));
    expect(log.writes).toBe(before + 1);
    recorder.data('stdout', Buffer.from('little'));
    recorder.data('stdout', Buffer.alloc(10_000, 'b'));
    recorder.data('stdout', Buffer.from('more'));
    expect(log.writes).toBe(before + 1);
    vi.advanceTimersByTime(20);
    expect(log.writes).toBe(before + 2);
    await recorder.finish();
    const shown = log.records.filter(({ kind }) => kind === RecordKind.output).map(({ data }) => data[0]);
    expect(Buffer.from(shown as number[]).toString()).toBe('plbm');
  } finally {
    vi.useRealTimers();
  }
});

test('what waits for the disk takes no more memory than twice its bytes, though every other piece is small', async () => {
  const log = slowLog();
  const memory = new Set<ArrayBufferLike>();
  const { append } = log;
  log.append = (bytes, written) => {
    memory.add(bytes.buffer);
    append(bytes, written);
  };
  const recorder = recorderOf(log);
  for (let at = 0; at < 100; at++) recorder.data('stdin', Buffer.alloc(at % 2 === 0 ? 16_000 : 4_000));
  const taken = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(taken).toBeLessThan(2 * log.pending);
  await recorder.finish();
});
