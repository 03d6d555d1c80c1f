import { expect, it } from 'vitest';
import { statusReason } from './audit-status.ts';

const status = (fields: object) => JSON.stringify({ kind: 'Status', apiVersion: 'v1', ...fields });

it.each([
  [
    status({ reason: 'Forbidden', message: 'pods is forbidden' }),
    { statusReason: 'Forbidden', statusMessage: 'pods is forbidden' },
  ],
  [
    status({ reason: 'Invalid', message: 'Pod "x" is invalid: spec.a: Invalid value: "hunter2": must be b' }),
    { statusReason: 'Invalid', statusMessage: 'Pod "x" is invalid: spec.a: …' },
  ],
  [
    status({ reason: 'Forbidden', message: 'webhook denied: Bearer abcdefghijkl' }),
    { statusReason: 'Forbidden', statusMessage: 'webhook denied: Bearer [redacted]' },
  ],
  [status({ reason: '', message: 7 }), {}],
  ['{"kind":"Pod","reason":"x"}', {}],
  ['{"kind":"Status","rea', {}],
  ['null', {}],
  ['page not found', {}],
])('%s', (text, expected) => {
  expect(statusReason(text)).toEqual(expected);
});

it('keeps a line, not a letter', () => {
  expect(statusReason(status({ message: 'a'.repeat(10_000) })).statusMessage).toHaveLength(512);
});
