import { expect, test } from 'vitest';
import { DiskPace } from './disk-pace.ts';

test('after a write that waited for the disk, others are spared the wait for a while', () => {
  let now = 5;
  const pace = new DiskPace(() => now);
  expect(pace.quick).toBe(true);
  pace.took(0.02);
  expect(pace.quick).toBe(true);
  pace.took(40);
  expect(pace.quick).toBe(false);
  now += 9_999;
  expect(pace.quick).toBe(false);
  now += 1;
  expect(pace.quick).toBe(true);
  pace.took(12);
  expect(pace.quick).toBe(false);
});
