import { execFileSync } from 'node:child_process';
import { createReadStream, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DiskPace } from '../disk-pace.ts';
import { Journal } from './journal.ts';
import { RecentLines } from './recent-lines.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sallyport-journal-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const NO_BOUND = Number.POSITIVE_INFINITY;
const nameOf = (segment: number) => `${String(segment).padStart(10, '0')}.jsonl`;

async function readAll(journal: Journal): Promise<unknown[]> {
  const all: unknown[] = [];
  let at = { segment: journal.segments[0]!, offset: 0 };
  for (;;) {
    const { lines, next } = await journal.read(at, 100);
    all.push(...lines.map((line) => JSON.parse(line) as unknown));
    if (next.segment === at.segment && next.offset === at.offset) return all;
    at = next;
  }
}

const slow = new DiskPace(() => 0);
slow.took(50);

describe('a line', () => {
  test('is in the file once append has resolved, together with those of the same turn of the loop', async () => {
    const recent = new RecentLines();
    const writes = vi.spyOn(recent, 'add');
    await using journal = await Journal.open(dir, { segmentBytes: 1_000, recent });
    const all = [1, 2, 3].map((n) => journal.append({ n }, NO_BOUND));
    expect(await all[0]).toBe(1);
    expect(readFileSync(join(dir, nameOf(1)), 'utf8')).toBe('{"n":1}\n{"n":2}\n{"n":3}\n');
    expect(await Promise.all(all)).toEqual([1, 1, 1]);
    expect(writes).toHaveBeenCalledTimes(1);
  });

  test.each([
    ['that another machine serves', { own: false }],
    ['that made somebody wait', { pace: slow }],
  ])('of a disk %s may hang: it waits, the portal does not', async (_what, how) => {
    await using journal = await Journal.open(dir, { segmentBytes: 100_000, ...how });
    await journal.append({ filler: 'x'.repeat(100_000) }, NO_BOUND);
    // A pipe that nobody reads: what is written past its 64 KiB waits in the kernel, as in a file system that is gone.
    execFileSync('mkfifo', [join(dir, nameOf(2))]);
    const pipe = openSync(join(dir, nameOf(2)), 'r+');
    let written = 0;
    const all = Array.from({ length: 40 }, () =>
      journal.append({ filler: 'y'.repeat(2_000) }, NO_BOUND).then(() => written++),
    );
    expect(written).toBe(0);
    const reader = createReadStream('', { fd: pipe }).resume();
    await Promise.all(all);
    reader.destroy();
  });

  test('of a full disk is refused, written at once or not', async () => {
    // Always full: write(2) answers ENOSPC. The first line there comes with the change of segments, the second at once.
    await using journal = await Journal.open(dir, { segmentBytes: 1 });
    await journal.append({ n: 1 }, NO_BOUND);
    await symlink('/dev/full', join(dir, nameOf(2)));
    for (const n of [2, 3]) await expect(journal.append({ n }, NO_BOUND)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await readAll(journal)).toEqual([{ n: 1 }]);
  });
});

test('what is read back is what was appended, whatever came from memory and from the disk', async () => {
  const line = fc.record({ text: fc.string({ unit: 'grapheme', maxLength: 60 }) });
  // Lines to append together, and how much to read before the next ones.
  const steps = fc.array(fc.tuple(fc.array(line, { maxLength: 6 }), fc.integer({ min: 1, max: 300 })), {
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), fc.integer({ min: 1, max: 400 }), async (all, own, segmentBytes) => {
      const folder = await mkdtemp(join(dir, 'run-'));
      await using journal = await Journal.open(folder, { segmentBytes, own, recent: new RecentLines(200) });
      const read: unknown[] = [];
      let at = { segment: 1, offset: 0 };
      for (const [lines, size] of all) {
        await Promise.all(lines.map((one) => journal.append(one, NO_BOUND)));
        const step = await journal.read(at, size);
        read.push(...step.lines.map((line) => JSON.parse(line) as unknown));
        at = step.next;
      }
      for (let more = true; more;) {
        const step = await journal.read(at, 100);
        more = step.next.segment !== at.segment || step.next.offset !== at.offset;
        read.push(...step.lines.map((line) => JSON.parse(line) as unknown));
        at = step.next;
      }
      expect(read).toEqual(all.flatMap(([lines]) => lines));
      expect(at).toEqual(journal.end);
    }),
  );
});

test('who keeps up reads no file', async () => {
  await using journal = await Journal.open(dir, { segmentBytes: 1_000 });
  for (let n = 0; n < 3; n++) await journal.append({ n }, NO_BOUND);
  await rm(join(dir, nameOf(1)));
  expect(await readAll(journal)).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
});
