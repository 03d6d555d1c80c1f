import { expect, test } from 'vitest';
import { PRINTABLE, printable, storable } from './printable.ts';

test.each([
  ['Ada Lovelace', 'Ada Lovelace'],
  ['Ada\r\n\x1b[2Jroot\x07\x9b31m', 'Ada[2Jroot31m'],
  ['ada\u202e@moc.elpmaxe', 'ada@moc.elpmaxe'],
  ['a\u2028b\u2066c\u200fd', 'abcd'],
  ['👩‍💻 می‌خواهم Zoë', '👩‍💻 می‌خواهم Zoë'],
  ['half \ud800', 'half \ufffd'],
])('%j shows as %j', (text, shown) => {
  expect(printable(text)).toBe(shown);
  expect(PRINTABLE.test(shown)).toBe(true);
  expect(PRINTABLE.test(text)).toBe(text === shown);
});

test('what is stored is what Postgres takes, however deep', () => {
  const at = new Date(0);
  expect(storable({ a: ['x\0', { b: '\udc00y' }], n: 1, at, none: null })).toEqual({
    a: ['x\ufffd', { b: '\ufffdy' }],
    n: 1,
    at,
    none: null,
  });
});
