import fc from 'fast-check';
import { expect, test } from 'vitest';
import { advance, nextSpeed } from './clock.ts';

/** Things happen at these moments; the recording ends at the last. */
function on(moments: number[]) {
  const end = moments.at(-1) ?? 0;
  return (position: number, elapsed: number, speed: number, skipIdle: boolean) =>
    advance(
      position,
      elapsed,
      { speed, skipIdle },
      end,
      (at) => moments.find((moment) => moment > at) ?? null,
      (at) => moments.findLast((moment) => moment <= at) ?? 0,
    );
}

const session = on([0, 100, 60_000, 60_050, 61_000]);

test('recorded time passes by the speed, and stops at the end', () => {
  expect(session(0, 50, 1, false)).toBe(50);
  expect(session(0, 50, 16, false)).toBe(800);
  expect(session(0, 100, 0.5, false)).toBe(50);
  expect(session(60_900, 500, 1, false)).toBe(61_000);
});

test('a pause is shown for a second and then skipped', () => {
  expect(session(100, 500, 1, true)).toBe(600);
  expect(session(100, 1000, 1, true)).toBe(1100);
  expect(session(100, 1020, 1, true)).toBe(60_020);
  expect(session(30_000, 10, 1, true)).toBe(60_010);
  expect(session(100, 1020, 1, false)).toBe(1120);
});

test('the clock never runs back, never past the end, and skipping is never slower', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 0, max: 100_000 }),
      fc.integer({ min: 0, max: 5_000 }),
      fc.constantFrom(0.5, 1, 2, 4, 8, 16),
      (moments, from, elapsed, speed) => {
        const sorted = moments.toSorted((a, b) => a - b);
        const end = sorted.at(-1)!;
        const position = Math.min(from, end);
        const plain = on(sorted)(position, elapsed, speed, false);
        const skipped = on(sorted)(position, elapsed, speed, true);
        for (const at of [plain, skipped]) {
          expect(at).toBeGreaterThanOrEqual(position);
          expect(at).toBeLessThanOrEqual(end);
        }
        expect(skipped).toBeGreaterThanOrEqual(plain);
      },
    ),
  );
});

test('small steps and one large step arrive at the same moment', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }), (steps) => {
      const total = steps.reduce((sum, step) => sum + step, 0);
      let at = 0;
      for (const step of steps) at = session(at, step, 1, true);
      expect(at).toBeCloseTo(session(0, total, 1, true), 6);
    }),
  );
});

test('speeds go step by step', () => {
  expect(nextSpeed(1, 1)).toBe(2);
  expect(nextSpeed(16, 1)).toBe(16);
  expect(nextSpeed(0.5, -1)).toBe(0.5);
});
