import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Brakes, RECORD_LIMIT, RENDER_LIMIT } from './brakes.ts';

test('with a browser its screen brakes; without one only the recorder does', () => {
  const brakes = new Brakes();
  brakes.viewer(true, 0);
  expect(brakes.hold(RENDER_LIMIT)).toBe(false);
  expect(brakes.hold(RENDER_LIMIT + 1)).toBe(true);
  brakes.viewer(false, RENDER_LIMIT + 1);
  expect(brakes.hold(RENDER_LIMIT + 1)).toBe(false);
  expect(brakes.hold(RECORD_LIMIT)).toBe(false);
  expect(brakes.hold(RECORD_LIMIT + 1)).toBe(true);
});

test('it goes on at half of the limit', () => {
  const brakes = new Brakes();
  const end = RECORD_LIMIT + 1;
  expect(brakes.hold(end)).toBe(true);
  brakes.recorded(end - RECORD_LIMIT / 2 - 1, end);
  expect(brakes.hold(end)).toBe(true);
  brakes.recorded(end - RECORD_LIMIT / 2, end);
  expect(brakes.hold(end)).toBe(false);
});

test('a browser that comes late is not held by what it never had to render', () => {
  const brakes = new Brakes();
  const end = 3 * 1024 * 1024;
  brakes.recorded(end, end);
  brakes.viewer(true, end);
  brakes.rendered(10, end);
  expect(brakes.hold(end + RENDER_LIMIT)).toBe(false);
});

const act = fc.oneof(
  fc.record({ do: fc.constant('produce' as const), bytes: fc.nat(300_000) }),
  fc.record({
    do: fc.constantFrom('rendered' as const, 'recorded' as const),
    part: fc.double({ min: -1, max: 2, noNaN: true }),
  }),
  fc.record({ do: fc.constant('viewer' as const), on: fc.boolean() }),
);

test('whatever the order of acknowledgements: the log stays bounded, and who is acknowledged goes on', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 100 }), (acts) => {
      const brakes = new Brakes();
      let end = 0;
      let recorded = 0;
      for (const each of acts) {
        // A held terminal produces nothing; the last chunk read may pass the limit.
        if (each.do === 'produce' && !brakes.hold(end)) end += each.bytes;
        else if (each.do === 'rendered') brakes.rendered(Math.floor(end * each.part), end);
        else if (each.do === 'recorded') {
          brakes.recorded(Math.floor(end * each.part), end);
          recorded = Math.max(recorded, Math.min(end, Math.floor(end * each.part)));
        } else if (each.do === 'viewer') brakes.viewer(each.on, end);
        expect(end - recorded).toBeLessThanOrEqual(RECORD_LIMIT + 300_000);
        expect(brakes.recordedTo).toBe(Math.max(0, recorded));
      }
      brakes.recorded(end, end);
      brakes.rendered(end, end);
      expect(brakes.hold(end)).toBe(false);
    }),
  );
});
