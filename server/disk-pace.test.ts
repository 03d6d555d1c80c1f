import { expect, test } from 'vitest';
import { DiskPace } from './disk-pace.ts';

test('after a write that waited long, others are spared the wait for a while', () => {
  let now = 5;
  const pace = new DiskPace(() => now);
  expect(pace.quick).toBe(true);
  pace.took(0.02);
  expect(pace.quick).toBe(true);
  pace.took(90);
  expect(pace.quick).toBe(false);
  now += 8_000;
  expect(pace.quick).toBe(false);
  now += 1;
  expect(pace.quick).toBe(true);
});

test('waits of a busy processor, here and there, change nothing', () => {
  let now = 5;
  const pace = new DiskPace(() => now);
  for (let second = 0; second < 1_000; second++) {
    if (second % 4 === 0) pace.took(15);
    now += 1_000;
    expect(pace.quick).toBe(true);
  }
});

test.each([12, 40, 300])('of a disk that takes %i ms a two-hundredth of the time is waited for', (ms) => {
  let now = 5;
  const pace = new DiskPace(() => now);
  let waited = 0;
  while (now < 1_000_000)
    if (pace.quick) {
      waited += ms;
      now += ms;
      pace.took(ms);
    } else now += 1;
  expect(waited).toBeLessThan(1_000_000 / 200 + 50 + ms);
});
