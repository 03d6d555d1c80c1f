import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { appendFile, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { decodeRecords, encodeRecord, RecordKind } from '../../protocol/log.ts';
import { DiskPace } from '../disk-pace.ts';
import { readRecords } from './reader.ts';
import { Recorder } from './recorder.ts';

const output = (text: string) =>
  encodeRecord({ kind: RecordKind.output, time: 1n, data: new TextEncoder().encode(text) });

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp-recorder-'));
  path = join(folder, 'log');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const append = (recorder: Recorder, bytes: Uint8Array) =>
  new Promise<void>((resolve) => recorder.append(bytes, resolve));

describe('Recorder', () => {
  test.each([
    ['a flood', 20_000],
    ['what somebody types', 10],
    ['both', 4_096],
  ])('writes in order and tells so in order: %s', async (_, length) => {
    const recorder = await Recorder.open(path);
    const told: number[] = [];
    const records = Array.from({ length: 200 }, (_, i) => output(`${i} `.padEnd(i % 2 ? length : 4_096, 'x')));
    await new Promise<void>((resolve) => {
      for (const [i, bytes] of records.entries())
        recorder.append(bytes, () => {
          told.push(i);
          if (i === records.length - 1) resolve();
        });
    });
    expect(told).toEqual(records.map((_, i) => i));
    expect(recorder.pending).toBe(0);
    await recorder.close();
    expect(await readFile(path)).toEqual(Buffer.concat(records));
    expect(recorder.size).toBe(Buffer.concat(records).length);
  });

  test('what is handed over in one go is one write', async () => {
    const recorder = await Recorder.open(path);
    const writes = vi.spyOn(fs, 'writev');
    try {
      const records = Array.from({ length: 8 }, () => output('x'.repeat(32 * 1024)));
      await Promise.all(records.map((record) => append(recorder, record)));
      expect(writes).toHaveBeenCalledTimes(1);
    } finally {
      writes.mockRestore();
      await recorder.close();
    }
  });

  test('a little is written when append returns, unless the disk made somebody wait', async () => {
    const pace = new DiskPace(() => 0);
    const recorder = await Recorder.open(path, { pace });
    let written = 0;
    recorder.append(output('a key'), () => written++);
    expect([written, recorder.pending]).toEqual([1, 0]);
    expect(await readFile(path)).toEqual(Buffer.from(output('a key')));
    pace.took(50);
    recorder.append(output('a key'), () => written++);
    expect([written, recorder.pending]).toEqual([1, output('a key').length]);
    await recorder.close();
    expect(written).toBe(2);
  });

  test('a disk that another machine serves may hang: its recording waits, the portal does not', async () => {
    // A pipe that nobody reads: what is written past its 64 KiB waits in the kernel, as in a file system that is gone.
    execFileSync('mkfifo', [path]);
    const recorder = await Recorder.open(path, { own: false });
    let written = 0;
    const key = output('x'.repeat(2_000));
    const more = () => {
      for (let each = 0; each < 10; each++) recorder.append(key, () => written++);
    };
    more();
    await vi.waitFor(() => {
      more();
      expect(recorder.pending).toBeGreaterThan(256 * 1024);
    });
    expect(written * key.length).toBeLessThanOrEqual(64 * 1024);

    const reader = fs.createReadStream(path).resume();
    await vi.waitFor(() => expect(recorder.pending).toBe(0));
    await recorder.close();
    await once(reader, 'close');
    expect(reader.bytesRead).toBe(written * key.length);
  });

  test('a log cut off anywhere continues behind its last whole record', async () => {
    const records = ['a', 'bb', '', 'x'.repeat(300)].map(output);
    const bytes = Buffer.concat(records);
    const boundaries = [0];
    for (const record of records) boundaries.push(boundaries.at(-1)! + record.length);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length), fc.constantFrom(...boundaries), async (cut, boundary) => {
        await writeFile(path, bytes.subarray(0, cut));
        const recorder = await Recorder.open(path, { boundary });
        const whole = boundaries.findLast((end) => end <= cut)!;
        expect(recorder.size).toBe(whole);
        await append(recorder, output('more'));
        await recorder.close();
        expect(await readFile(path)).toEqual(Buffer.concat([bytes.subarray(0, whole), output('more')]));
      }),
      { numRuns: 40 },
    );
  });

  test('a log longer than the buffer of the search', async () => {
    const record = output('x'.repeat(60_000));
    await writeFile(path, Buffer.concat([...Array.from({ length: 20 }, () => record), record.subarray(0, 999)]));
    const recorder = await Recorder.open(path);
    expect(recorder.size).toBe(20 * record.length);
    await recorder.close();
  });

  test('a full disk is told, once, and nothing is written any more', async () => {
    // always full: write(2) answers ENOSPC
    await symlink('/dev/full', path);
    const recorder = await Recorder.open(path);
    const error = new Promise<NodeJS.ErrnoException>((resolve) => (recorder.onError = resolve));
    let written = 0;
    recorder.append(output('lost'), () => written++);
    recorder.append(output('lost too'), () => written++);
    expect((await error).code).toBe('ENOSPC');
    recorder.append(output('after'), () => written++);
    await recorder.close();
    expect(written).toBe(0);
    expect(recorder.size).toBe(0);
  });

  test('kill -9 while writing: what was told is there, whole, in order, once', { timeout: 30_000 }, async () => {
    let next = 0;
    let told = -1;
    for (let round = 0; round < 5; round++) {
      const child = spawn(process.execPath, [
        join(import.meta.dirname, 'write-forever.fixture.ts'),
        path,
        String(next),
      ]);
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
      while (text.length < 2000 * (round + 1)) await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'close');
      told = Number(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1));
      // the next writer goes on behind the last whole record, as a host asked for the rest makes it
      const recorder = await Recorder.open(path);
      await recorder.close();
      next = 0;
      for await (const { records } of readRecords(path)) next += records.length;
      expect(next).toBeGreaterThan(told);
    }
    const { records, consumed } = decodeRecords(await readFile(path));
    expect(consumed).toBe((await readFile(path)).length);
    expect(records.map(({ time }) => Number(time))).toEqual(records.map((_, i) => i));
  });
});

describe('readRecords', () => {
  test('any records come back, whatever the blocks, from any boundary to any', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(65_000), { minLength: 1, maxLength: 12 }),
        fc.nat(12),
        fc.nat(12),
        async (sizes, a, b) => {
          const records = sizes.map((size, i) => output(`${i}${'y'.repeat(size)}`));
          const ends = [0];
          for (const record of records) ends.push(ends.at(-1)! + record.length);
          await writeFile(path, Buffer.concat(records));
          const [from, to] = [Math.min(a, b, sizes.length), Math.min(Math.max(a, b), sizes.length)];
          const found: Buffer[] = [];
          let at = ends[from]!;
          for await (const block of readRecords(path, ends[from], ends[to])) {
            expect(block.start).toBe(at);
            at = block.end;
            // data is valid until the next block only
            for (const record of block.records) found.push(Buffer.from(encodeRecord(record)));
          }
          expect(Buffer.concat(found).equals(Buffer.concat(records.slice(from, to)))).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('ends before a torn record', async () => {
    await writeFile(path, output('whole'));
    await appendFile(path, output('torn').subarray(0, 15));
    let count = 0;
    for await (const { records } of readRecords(path)) count += records.length;
    expect(count).toBe(1);
    await truncate(path, 0);
    for await (const _ of readRecords(path)) throw new Error('an empty log has no records');
  });
});
