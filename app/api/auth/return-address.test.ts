import fc from 'fast-check';
import { expect, test } from 'vitest';
import { returnAddress } from './return-address.ts';

const origin = 'https://portal.example';

test.each([
  ['/sessions/1?x=2#y', '/sessions/1?x=2#y'],
  ['https://portal.example/clusters', '/clusters'],
  ['', '/'],
  [undefined, '/'],
  ['https://evil.example/', '/'],
  ['https://portal.example.evil.example/', '/'],
  ['https://portal.example@evil.example/', '/'],
  ['//evil.example', '/'],
  ['/\\evil.example', '/'],
  ['/\t/evil.example', '/'],
  ['https://portal.example//evil.example', '/'],
  ['/..//evil.example', '/'],
  ['javascript:alert(1)', '/'],
  ['clusters', '/'],
  ['%', '/'],
  ['data:text/html,x', '/'],
  ['http://portal.example/', '/'],
  ['/api/v1/sign-out', '/'],
  ['/sign-in?callbackUrl=/sign-in', '/'],
])('%s leads to %s', (wish, expected) => {
  expect(returnAddress(wish, origin)).toBe(expected);
});

test('whatever is asked for, a browser stays on our origin', () => {
  const parts = fc.constantFrom(
    '/',
    '\\',
    '//',
    'evil.example',
    'https:',
    'portal.example',
    '@',
    '..',
    '\t',
    '%2f',
    '?',
    '#',
    ':',
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 8 }), (pieces) => {
      expect(new URL(returnAddress(pieces.join(''), origin), origin).origin).toBe(origin);
    }),
  );
});
