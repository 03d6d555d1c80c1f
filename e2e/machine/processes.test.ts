import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockHolder, releaseLock, takeLock } from './lock.ts';
import { findProcesses, lastLines, startProcess, stopProcesses } from './processes.ts';
import { until } from './until.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-processes-'));
});

afterEach(async () => {
  await stopProcesses(folder, undefined, 0);
  rmSync(folder, { recursive: true, force: true });
});

const sleeper = (): object & { command: string; args: string[]; log: string } => ({
  command: 'sh',
  args: ['-c', 'echo started; exec sleep 1000'],
  log: join(folder, 'log'),
});

test('starts a part once, finds it, and ends nothing else', async () => {
  const other = join(folder, 'other');
  startProcess(folder, 'one', sleeper());
  startProcess(other, 'one', sleeper());
  await until(() => lastLines(join(folder, 'log')).includes('started'), { what: 'the start' });
  const [first] = findProcesses(folder, 'one');
  startProcess(folder, 'one', sleeper());
  expect(findProcesses(folder)).toEqual([first]);
  await stopProcesses(folder);
  expect(findProcesses(folder)).toEqual([]);
  expect(findProcesses(other)).toHaveLength(1);
  await stopProcesses(other);
});

test('ends with SIGKILL what does not end when asked', async () => {
  startProcess(folder, 'deaf', {
    ...sleeper(),
    args: ['-c', "trap '' TERM; echo started; while :; do sleep 1000; done"],
  });
  await until(() => lastLines(join(folder, 'log')).includes('started'), { what: 'the start' });
  await stopProcesses(folder, 'deaf', 100);
  expect(findProcesses(folder, 'deaf')).toEqual([]);
});

test('a lock has one holder, and none once that one has gone', () => {
  const file = join(folder, 'lock');
  expect(takeLock(file)).toBe(true);
  expect(takeLock(file)).toBe(false);
  expect(lockHolder(file)).toBe(process.pid);
  releaseLock(file);
  writeFileSync(file, `${process.pid} 1`);
  expect(lockHolder(file)).toBeUndefined();
  expect(takeLock(file)).toBe(true);
});
