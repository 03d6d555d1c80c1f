import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { decodeMessage, readU64, ToBrowser } from '../../protocol/frames.ts';
import { RECORD_HEADER_BYTES, RecordKind, type LogRecord } from '../../protocol/log.ts';
import { Page } from './page.ts';

/** A WebSocket whose messages arrive at once. */
class Wire extends EventEmitter {
  readonly bufferedAmount = 0;
  output: { offset: number; text: string }[] = [];

  send(message: Uint8Array): void {
    const { type, payload } = decodeMessage(message);
    if (type !== ToBrowser.output) return;
    this.output.push({ offset: readU64(payload), text: Buffer.from(payload.subarray(8)).toString() });
  }
}

function record(kind: RecordKind, text: string): LogRecord {
  return { kind, time: 0n, data: Buffer.from(text) };
}

let wire: Wire;
let page: Page;
let end = 0;

function push(...records: LogRecord[]): void {
  page.push(end, records);
  for (const { data } of records) end += RECORD_HEADER_BYTES + data.length;
}

beforeEach(async () => {
  vi.useFakeTimers();
  end = 0;
  wire = new Wire();
  const facts = { user: 'u', webSession: 'w', clientAddress: '127.0.0.1' };
  page = new Page(wire as unknown as WebSocket, new PassThrough(), facts, 1, {
    written: () => end,
    read: async () => new Uint8Array(),
    rendered: () => {},
    failed: (error) => {
      throw error;
    },
  });
  page.start({ offset: 0, live: 0, inputPosition: 0, cols: 80, rows: 24 });
  await vi.advanceTimersByTimeAsync(0);
});
afterEach(() => vi.useRealTimers());

test('echoes go at once, however long somebody types without a pause', () => {
  for (let key = 0; key < 1_000; key += 1) {
    push(record(RecordKind.input, 'a'));
    push(record(RecordKind.output, 'a'));
    expect(wire.output.length).toBe(key + 1);
    expect(wire.output.at(-1)).toEqual({ offset: end, text: 'a' });
    vi.advanceTimersByTime(1);
  }
});

test('echoes go at once, however fast the keys, to a page that shows them as they come', () => {
  for (let key = 0; key < 1_000; key += 1) {
    push(record(RecordKind.output, 'a'));
    expect(wire.output.length).toBe(key + 1);
    expect(page.ack(end)).toBe(true);
  }
});

test('a flood of small writes is gathered, and nothing of it is left behind', () => {
  let sent = '';
  for (let chunk = 0; chunk < 1_000; chunk += 1) {
    sent += `${chunk}\n`;
    push(record(RecordKind.output, `${chunk}\n`));
  }
  expect(wire.output.length).toBeLessThan(20);
  vi.advanceTimersByTime(4);
  expect(wire.output.map((one) => one.text).join('')).toBe(sent);
  expect(wire.output.at(-1)!.offset).toBe(end);
});
