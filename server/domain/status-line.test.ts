import { expect, test } from 'vitest';
import { finalStatus } from './status-line.ts';

test.each([
  [200, 'OK', { status: 200, reason: 'OK' }],
  [404, '', { status: 404, reason: '' }],
  [599, 'Ünd', { status: 599, reason: 'Ünd' }],
  [200, '\x01\x1b[2J', { status: 200, reason: '' }],
  [0, 'Nil', null],
  [99, 'Odd', null],
  [101, 'Switching Protocols', null],
  [103, 'Early Hints', null],
  [600, 'Odd', null],
  [999, 'Odd', null],
])('%i %j: %j', (statusCode, statusMessage, expected) => {
  expect(finalStatus({ statusCode, statusMessage })).toEqual(expected);
});
