import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeMark, encodeResize, RecordKind, type LogRecord } from '../../protocol/log.ts';
import { CastWriter } from './asciicast.ts';
import { recordingFacts as facts } from './recording.harness.ts';

const start = BigInt(facts.openedAt.getTime()) * 1000n;
const at = (ms: number, kind: LogRecord['kind'], data: Uint8Array | string): LogRecord => ({
  kind,
  time: start + BigInt(Math.round(ms * 1000)),
  data: typeof data === 'string' ? new TextEncoder().encode(data) : data,
});
const cast = (records: LogRecord[]) => {
  const writer = new CastWriter(facts);
  const text = writer.header() + records.map((record) => writer.lines(record)).join('') + writer.end();
  const [header, ...events] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  return { header, events: events as [number, string, string][] };
};

describe('CastWriter', () => {
  test('header and each kind of event', () => {
    const { header, events } = cast([
      at(0, RecordKind.resize, encodeResize(100, 30)),
      at(500, RecordKind.output, '$ '),
      at(1500.25, RecordKind.input, 'ls\r'),
      at(1500.25, RecordKind.mark, encodeMark({ mark: 'secret' })),
      at(2000, RecordKind.mark, encodeMark({ mark: 'exit', code: 3, signal: null })),
    ]);
    expect(header).toMatchObject({ version: 3, term: { cols: 80, rows: 24 }, timestamp: 1767323045 });
    expect(events).toEqual([
      [0, 'r', '100x30'],
      [0.5, 'o', '$ '],
      [1.00025, 'i', 'ls\r'],
      [0, 'm', 'secret input, not recorded'],
      [0.49975, 'm', 'exit 3'],
    ]);
  });

  test('a clock that goes back makes no negative interval', () => {
    const { events } = cast([
      at(1000, RecordKind.output, 'a'),
      at(400, RecordKind.output, 'b'),
      at(1600, RecordKind.output, 'c'),
    ]);
    expect(events.map(([interval]) => interval)).toEqual([1, 0, 0.6]);
  });

  test('bytes that are not UTF-8 are marked once a run', () => {
    const { events } = cast([
      at(0, RecordKind.output, Uint8Array.of(0x61, 0xff)),
      at(0, RecordKind.output, Uint8Array.of(0xfe)),
      at(0, RecordKind.output, 'well'),
      at(0, RecordKind.output, Uint8Array.of(0xc3)),
    ]);
    expect(events.map(([, code, data]) => [code, data])).toEqual([
      ['m', expect.stringContaining('U+FFFD')],
      ['o', 'a\ufffd'],
      ['o', '\ufffd'],
      ['o', 'well'],
      ['m', expect.stringContaining('U+FFFD')],
      ['o', '\ufffd'],
    ]);
  });

  test('a U+FFFD that the program wrote is no mark, however it is cut', () => {
    const bytes = new TextEncoder().encode('a\ufffdb');
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { events } = cast([
        at(0, RecordKind.output, bytes.subarray(0, cut)),
        at(0, RecordKind.output, bytes.subarray(cut)),
      ]);
      expect(events.filter(([, code]) => code === 'm')).toEqual([]);
    }
  });

  test('text comes out whole, cut anywhere', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.array(fc.nat(200)), (text, cuts) => {
        // an unpaired surrogate is no UTF-8 to begin with
        const whole = text.toWellFormed();
        const bytes = new TextEncoder().encode(whole);
        const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
        const records = places.slice(1).map((end, i) => at(i, RecordKind.output, bytes.subarray(places[i], end)));
        const { events } = cast(records);
        expect(events.map(([, code, data]) => (code === 'o' ? data : '')).join('')).toBe(whole);
        expect(events.filter(([, code]) => code === 'm')).toEqual([]);
      }),
    );
  });
});
