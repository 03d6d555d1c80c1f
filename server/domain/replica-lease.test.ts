import { expect, test } from 'vitest';
import { BEAT_MS, isSteward, LEASE_MS, livesStill, livingOthers, unconfirmed } from './replica-lease.ts';

const seen = (silent: Record<string, number>) => Object.entries(silent).map(([id, silentMs]) => ({ id, silentMs }));

test('a replica outlives some missed beats, and no more', () => {
  expect(livesStill({ id: 'a', silentMs: 3 * BEAT_MS })).toBe(true);
  expect(livesStill({ id: 'a', silentMs: LEASE_MS - 1 })).toBe(true);
  expect(livesStill({ id: 'a', silentMs: LEASE_MS })).toBe(false);
});

test('the others are those that live', () => {
  expect(livingOthers(seen({ a: 0, b: 100, c: LEASE_MS }), 'a')).toEqual(['b']);
});

test.each([
  ['alone', { b: 0 }, true],
  ['the first of the living', { b: 0, c: 0 }, true],
  ['another comes first', { a: 0, b: 0 }, false],
  ['who came first is dead', { a: LEASE_MS, b: 0 }, true],
])('steward: %s', (_which, silent, is) => {
  expect(isSteward(seen(silent), 'b')).toBe(is);
});

test('who has not confirmed counts while its lease lasts; one that has gone does not', () => {
  const now = seen({ a: 0, b: 0, c: LEASE_MS });
  expect(unconfirmed(['a', 'b', 'c', 'd'], new Set(['a']), now)).toEqual(['b']);
});
