import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeRecord, encodeResize, RecordKind, type LogRecord } from '../../protocol/log.ts';
import { recordingFacts } from '../domain/recording.harness.ts';
import { createEmulator, feed } from './emulator.ts';
import { Recordings } from './recordings.ts';

const facts = { ...recordingFacts, cols: 40, rows: 5 };
const start = BigInt(facts.openedAt.getTime()) * 1000n;
const at = (ms: number, kind: LogRecord['kind'], data: Uint8Array | string) =>
  encodeRecord({ kind, time: start + BigInt(ms * 1000), data: Buffer.from(data as string) });

let dataDir: string;
let recordings: Recordings;
const warnings: object[] = [];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sp-recordings-'));
  recordings = new Recordings({ dataDir, log: { warn: (fields) => warnings.push(fields) } });
});
afterEach(async () => {
  await recordings[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
  expect(warnings.splice(0)).toEqual([]);
});

async function write(...records: Uint8Array[]): Promise<number> {
  const recorder = await recordings.record(facts);
  for (const record of records) await new Promise<void>((resolve) => recorder.append(record, resolve));
  await recorder.close();
  return recorder.size;
}
const textOf = async (lines: AsyncIterable<string>) => {
  let text = '';
  for await (const part of lines) text += part;
  return text;
};

describe('Recordings', () => {
  test('a folder by month, for the portal’s eyes only, whose header holds the facts', async () => {
    await write(at(0, RecordKind.output, 'hello'));
    const path = recordings.path(facts);
    expect(path).toBe(join(dataDir, 'recordings/2026/01', facts.session, 'log'));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(path))).mode & 0o777).toBe(0o700);
    expect(await recordings.facts(facts)).toMatchObject(facts);
    // the header of a recording that is continued stays
    await write(at(1, RecordKind.output, ' again'));
    expect(JSON.parse(await readFile(join(dirname(path), 'meta.json'), 'utf8'))).toMatchObject({
      version: 1,
      cols: 40,
    });
  });

  test('what is not there is said', async () => {
    const problem = { code: 'recording-missing', status: 404 };
    await expect(recordings.size(facts)).rejects.toMatchObject(problem);
    await expect(recordings.cast(facts)).rejects.toMatchObject(problem);
    await expect(recordings.search(facts, 'x')).rejects.toMatchObject(problem);
    await expect(recordings.size({ ...facts, session: '../../etc' })).rejects.toMatchObject(problem);
  });

  test('search finds lines, their time and their place, across records and escapes', async () => {
    const first = at(0, RecordKind.output, '$ kubectl get po');
    const input = at(100, RecordKind.input, 'a secret search word: needle');
    const rest = at(1500, RecordKind.output, 'ds\r\n\x1b[1mNEEDLE\x1b[0m-7f  Running\r\n');
    await write(first, input, rest);
    expect(await recordings.search(facts, 'get pods')).toEqual([{ offset: 0, atMs: 1500, line: '$ kubectl get pods' }]);
    expect(await recordings.search(facts, 'needle-7')).toEqual([
      { offset: first.length + input.length, atMs: 1500, line: 'NEEDLE-7f  Running' },
    ]);
    expect(await recordings.search(facts, 'secret')).toEqual([]);
  });

  test('search is bounded', async () => {
    const lines = Array.from({ length: 500 }, (_, i) => `hit ${i} ${'x'.repeat(700)}`).join('\r\n');
    await write(
      ...Array.from({ length: 6 }, (_, i) => at(i, RecordKind.output, lines.slice(i * 60_000, (i + 1) * 60_000))),
    );
    const hits = await recordings.search(facts, 'HIT');
    expect(hits).toHaveLength(200);
    expect(Math.max(...hits.map(({ line }) => line.length))).toBeLessThan(310);
  });

  test('asciicast of a log of many blocks', async () => {
    const text = 'né世'.repeat(9000);
    const bytes = Buffer.from(text);
    const records: Uint8Array[] = [];
    for (let i = 0; i < 10; i++)
      for (let cut = 0; cut < bytes.length; cut += 49_999)
        records.push(at(i, RecordKind.output, bytes.subarray(cut, cut + 49_999) as never));
    await write(...records);
    const [, ...events] = (await textOf(await recordings.cast(facts)))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as [number, string, string]);
    expect(events.map(([, code, data]) => (code === 'o' ? data : '?')).join('') === text.repeat(10)).toBe(true);
  });

  test('the screen at an offset, from the start and from a checkpoint', { timeout: 20_000 }, async () => {
    const lines: Uint8Array[] = [];
    for (let i = 0; i < 90; i++)
      lines.push(at(i, RecordKind.output, `\x1b[3${i % 8}mblock ${i}\r\n`.repeat(4000).slice(0, 60_000)));
    const half = await write(...lines, at(100, RecordKind.resize, encodeResize(60, 8)));
    const whole = createEmulator(40, 5);
    for (const line of lines) await feed(whole, line.subarray(13));
    whole.resize(60, 8);
    const shown = (emulator: typeof whole) =>
      Array.from({ length: emulator.buffer.normal.length }, (_, y) =>
        emulator.buffer.normal.getLine(y)!.translateToString(true),
      );
    const restored = async (upTo: number) => {
      const screen = await recordings.screenAt(facts, upTo);
      const emulator = createEmulator(screen.cols, screen.rows);
      await feed(emulator, screen.snapshot);
      return emulator;
    };
    expect(shown(await restored(half))).toEqual(shown(whole));
    expect(await readdir(dirname(recordings.path(facts)))).toContain(`screen-${half}`);
    const end = await write(at(200, RecordKind.output, 'after the checkpoint'));
    await feed(whole, 'after the checkpoint');
    expect(shown(await restored(end))).toEqual(shown(whole));
  });
});
