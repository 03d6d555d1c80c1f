import { expect, test } from 'vitest';
import { addressKey, RateLimit } from './rate-limit.ts';

function limitAt(most: number) {
  const clock = { ms: 1_000_000 };
  return { clock, limit: new RateLimit({ most, windowMs: 60_000, now: () => new Date(clock.ms) }) };
}

test('lets the first ones through, then says how long to wait, and lets through again when the window moved on', () => {
  const { clock, limit } = limitAt(2);
  expect(limit.attempt('a')).toBe(0);
  clock.ms += 10_000;
  expect(limit.attempt('a')).toBe(0);
  expect(limit.attempt('a')).toBe(50_000);
  expect(limit.attempt('b')).toBe(0);
  clock.ms += 50_000;
  expect(limit.attempt('a')).toBe(0);
  expect(limit.attempt('a')).toBe(10_000);
});

test('refused attempts do not prolong the wait', () => {
  const { clock, limit } = limitAt(1);
  limit.attempt('a');
  for (let i = 0; i < 59; i++) {
    clock.ms += 1_000;
    expect(limit.attempt('a')).toBeGreaterThan(0);
  }
  clock.ms += 1_000;
  expect(limit.attempt('a')).toBe(0);
});

test('what succeeded is taken back', () => {
  const { limit } = limitAt(1);
  limit.attempt('a');
  limit.forgive('a');
  expect(limit.attempt('a')).toBe(0);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:aaaa:bbbb:cccc:dddd', '2001:db8:1:2'],
  ['2001:DB8:0001:0002::1', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
])('the line of %s is %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});
