import { expect, test } from 'vitest';
import { correlate } from './correlation.ts';

const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('goes on with the caller’s trace, in a span of our own', () => {
  const { id, traceparent } = correlate({ correlationId: undefined, traceparent: parent });
  expect(id).toBe('0af7651916cd43dd8448eb211c80319c');
  expect(traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
  expect(traceparent).not.toContain('b7ad6b7169203331');
});

test('takes the caller’s correlation id', () => {
  expect(correlate({ correlationId: 'job:42_a.b-c', traceparent: parent }).id).toBe('job:42_a.b-c');
});

test.each(['', 'a b', 'a\nb', '"x"', 'ü', 'x'.repeat(129)])('makes up an id instead of %j', (correlationId) => {
  expect(correlate({ correlationId, traceparent: undefined }).id).toMatch(/^[0-9a-f]{32}$/);
});

test.each([
  '00-00000000000000000000000000000000-b7ad6b7169203331-01',
  '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
  'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  `${parent}-extra`,
  'nonsense',
])('starts a trace of its own instead of %s', (traceparent) => {
  expect(correlate({ correlationId: undefined, traceparent }).id).not.toContain('0af765');
});
