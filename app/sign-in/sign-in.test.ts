import { expect, test } from 'vitest';
import { messageFor, noteFor } from './messages.ts';
import { errorIn } from './round-trip.ts';

test.each([
  ['https://portal.test/sign-in?error=CredentialsSignin', 'CredentialsSignin'],
  ['/sign-in?error=AccessDenied', 'AccessDenied'],
  ['https://portal.test/', null],
  [undefined, null],
  ['https://[', null],
])('%j names the error %j', (url, error) => expect(errorIn(url, 'https://portal.test')).toBe(error));

test('an unknown code is shown, so that it can be told on', () => {
  expect(messageFor('Strange').next).toContain('Strange');
  expect(messageFor('sign-in-limited').title).toBe('Too many attempts.');
  expect(noteFor('nothing')).toBeNull();
});
