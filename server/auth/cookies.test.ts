import { expect, test } from 'vitest';
import { readCookie, withoutCookies } from '../domain/cookie-header.ts';
import { clearedSessionCookie, sessionCookie, sessionCookieName } from './cookies.ts';

const name = sessionCookieName('0a1b2c3d');

test('the cookie is bound to host, https and path, closed to scripts, and named after the instance', () => {
  expect(sessionCookie(name, 'abc', 3_600_000)).toBe(
    '__Host-sallyport_0a1b2c3d=abc; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax',
  );
  expect(clearedSessionCookie(name)).toContain('Max-Age=0');
});

test.each([
  [`${name}=abc`, 'abc'],
  [`a=b; ${name}=abc; c=d`, 'abc'],
  [`${name}=abc; ${name}=abc`, 'abc'],
  [`x${name}=abc`, undefined],
  [`${name.toLowerCase()}x=abc`, undefined],
  ['', undefined],
  [undefined, undefined],
])('reads %s', (header, value) => {
  expect(readCookie(header, name)).toBe(value);
});

test('a cookie that is there twice with different values counts as none: one of them was planted', () => {
  expect(readCookie(`${name}=mine; ${name}=planted`, name)).toBeUndefined();
});

test('drops cookies by name and keeps the others as they were', () => {
  expect(withoutCookies(`a=1; ${name}=secret; b=2=3`, (cookie) => cookie === name)).toBe('a=1; b=2=3');
  expect(withoutCookies(`${name}=secret`, (cookie) => cookie === name)).toBeUndefined();
  // Cookies without a name are sent too, and one could spell another's name.
  expect(withoutCookies(`=${name}=secret; a=1`, (cookie) => cookie !== 'a')).toBe('a=1');
});
