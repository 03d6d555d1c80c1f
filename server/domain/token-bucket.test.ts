import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fullBucket, refilled, take, type Rate } from './token-bucket.ts';

const rates = fc.record({
  perSecond: fc.integer({ min: 1, max: 1_000 }),
  burst: fc.integer({ min: 1, max: 500 }),
  queue: fc.integer({ min: 0, max: 100 }),
});
/** ms between askings; some clocks go back. */
const gaps = fc.array(fc.integer({ min: -50, max: 300 }), { maxLength: 400 });

/** When each of the askings is let through, and when it was asked. */
function served(rate: Rate, steps: readonly number[]) {
  let bucket = fullBucket(rate, 0);
  let now = 0;
  const passed: { asked: number; at: number }[] = [];
  const refused: { asked: number; retryAfterMs: number }[] = [];
  for (const gap of steps) {
    now += gap;
    const taken = take(bucket, rate, now);
    bucket = taken.bucket;
    // A clock that went back has not gone back for those who wait.
    const asked = bucket.at;
    if (taken.kind === 'taken') passed.push({ asked, at: asked + taken.waitMs });
    else refused.push({ asked, retryAfterMs: taken.retryAfterMs });
  }
  return { passed, refused };
}

test('a burst passes at once, a queue waits its turn, the rest is told when to come again', () => {
  const rate = { perSecond: 100, burst: 200, queue: 50 };
  const { passed, refused } = served(rate, Array<number>(260).fill(0));
  expect(passed).toHaveLength(250);
  expect(passed.filter(({ at }) => at === 0)).toHaveLength(200);
  expect(passed.at(-1)!.at).toBeCloseTo(500);
  expect(refused).toHaveLength(10);
  expect(refused[0]!.retryAfterMs).toBeCloseTo(10);
});

test('no window lets more pass than the burst and what came meanwhile', () => {
  fc.assert(
    fc.property(rates, gaps, (rate, steps) => {
      const { passed } = served(rate, steps);
      for (let first = 0; first < passed.length; first++)
        for (let last = first; last < passed.length; last += 7) {
          const ms = passed[last]!.at - passed[first]!.at;
          expect(last - first + 1).toBeLessThanOrEqual(rate.burst + (ms / 1_000) * rate.perSecond + 1.01);
        }
    }),
    { numRuns: 50 },
  );
});

test('turns come in the order of asking, and never more wait than the queue holds', () => {
  fc.assert(
    fc.property(rates, gaps, (rate, steps) => {
      const { passed } = served(rate, steps);
      for (let at = 1; at < passed.length; at++)
        expect(passed[at]!.at).toBeGreaterThanOrEqual(passed[at - 1]!.at - 1e-3);
      for (const { asked } of passed) {
        const waiting = passed.filter((one) => one.asked <= asked && one.at > asked + 1e-3);
        expect(waiting.length).toBeLessThanOrEqual(rate.queue + 1);
      }
    }),
    { numRuns: 50 },
  );
});

test('who comes again when told passes, where nobody else came meanwhile; a refusal takes nothing', () => {
  fc.assert(
    fc.property(rates, (rate) => {
      let bucket = fullBucket(rate, 0);
      for (;;) {
        const taken = take(bucket, rate, 0);
        if (taken.kind === 'refused') {
          expect(taken.bucket.tokens).toBe(bucket.tokens);
          expect(take(bucket, rate, taken.retryAfterMs).kind).toBe('taken');
          return;
        }
        bucket = taken.bucket;
      }
    }),
  );
});

test('a clock that goes back brings nothing and takes nothing', () => {
  const rate = { perSecond: 10, burst: 5, queue: 0 };
  const bucket = { tokens: 2, at: 1_000 };
  expect(refilled(bucket, rate, 0)).toEqual(bucket);
});
