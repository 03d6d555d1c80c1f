import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CheckpointClock } from './checkpoint-clock.ts';

const MIB = 1024 * 1024;
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('little needs none, much gets one at the first quiet moment', () => {
  const made: number[] = [];
  using clock = new CheckpointClock((offset) => made.push(offset));
  clock.start(10 * MIB);
  clock.written(13 * MIB);
  vi.advanceTimersByTime(5_000);
  expect(made).toEqual([]);
  for (let end = 15; end < 20; end += 1) {
    clock.written(end * MIB);
    vi.advanceTimersByTime(400);
  }
  expect(made).toEqual([]);
  vi.advanceTimersByTime(600);
  expect(made).toEqual([19 * MIB]);
});

test('a terminal that is never quiet gets one all the same', () => {
  const made: number[] = [];
  using clock = new CheckpointClock((offset) => made.push(offset));
  clock.start(0);
  for (let end = 1; end <= 300; end += 1) {
    clock.written(end * MIB);
    vi.advanceTimersByTime(10);
  }
  expect(made).toEqual([129 * MIB, 258 * MIB]);
});

test('none is made once it is over', () => {
  const made: number[] = [];
  const clock = new CheckpointClock((offset) => made.push(offset));
  clock.start(0);
  clock.written(5 * MIB);
  clock[Symbol.dispose]();
  vi.advanceTimersByTime(5_000);
  expect(made).toEqual([]);
});
