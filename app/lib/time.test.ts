import { expect, test } from 'vitest';
import { bytes, countdown, dayOf, duration, edgeOfDay, relativeTime } from './time.ts';

const now = new Date('2026-11-22T12:00:00Z');
const after = (ms: number) => new Date(now.getTime() + ms);

test.each([
  [-500, 'just now'],
  [-61_000, '1 min. ago'],
  [-3 * 3_600_000, '3 hr. ago'],
  [-26 * 3_600_000, '1 day ago'],
  [-59 * 86_400_000, '1 mo. ago'],
  [90 * 86_400_000 - 1_000, 'in 3 mo.'],
  [40_000, 'in 40 s'],
  [5 * 60_000, 'in 5 min.'],
])('%d ms from now reads %j', (delta, text) => expect(relativeTime(after(delta), now)).toBe(text));

test("a date field's day is the reader's own, whatever their zone", () => {
  const zone = process.env['TZ'];
  try {
    process.env['TZ'] = 'America/New_York';
    expect(edgeOfDay('2026-11-22', 'start')).toBe('2026-11-22T05:00:00.000Z');
    expect(edgeOfDay('2026-11-22', 'end')).toBe('2026-11-23T04:59:59.999Z');
    for (const edge of ['start', 'end'] as const) expect(dayOf(edgeOfDay('2026-11-22', edge)!)).toBe('2026-11-22');
  } finally {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  }
  expect(edgeOfDay('', 'start')).toBeNull();
  expect(dayOf('')).toBe('');
});

test.each([
  [12, '12 ms'],
  [1250, '1.3 s'],
  [42_000, '42 s'],
  [4 * 60_000, '4 min'],
  [247_000, '4 min 7 s'],
  [3_840_000, '1 h 4 min'],
  [8 * 3_600_000, '8 h'],
  [50 * 3_600_000, '2 d 2 h'],
])('%d ms last %j', (ms, text) => expect(duration(ms)).toBe(text));

test.each([
  [-5, '0:00'],
  [59_001, '1:00'],
  [247_000, '4:07'],
  [3_729_000, '1:02:09'],
])('%d ms left show as %j', (ms, text) => expect(countdown(ms)).toBe(text));

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [1024 * 1024, '1 MiB'],
  [250 * 1024 * 1024, '250 MiB'],
])('%d bytes are %j', (n, text) => expect(bytes(n)).toBe(text));
