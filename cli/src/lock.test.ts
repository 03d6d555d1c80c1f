import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { withLock } from './lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-lock-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('of many at once one runs at a time, and the lock goes with the last', async () => {
  const path = join(folder, 'many');
  let [running, most] = [0, 0];
  await Promise.all(
    Array.from({ length: 12 }, () =>
      withLock(path, async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
      }),
    ),
  );
  expect(most).toBe(1);
  expect(existsSync(path)).toBe(false);
});

test('what fails lets go', async () => {
  const path = join(folder, 'failing');
  await expect(withLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await withLock(path, async () => 'yes')).toBe('yes');
});

test.each([
  ['a process that was killed', '2147483646', 0],
  ['a process id that somebody else has by now', String(process.pid), 60],
])('the lock of %s is taken over', async (_whose, pid, ageSeconds) => {
  const path = join(folder, 'left');
  writeFileSync(path, pid);
  const then = Date.now() / 1_000 - ageSeconds;
  utimesSync(path, then, then);
  expect(await withLock(path, async () => 'ours')).toBe('ours');
});
