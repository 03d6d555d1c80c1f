import { expect, it } from 'vitest';
import { isOurCookie, mayBeSet, withoutCookies } from './cookie-header.ts';

it.each([
  ['theme=dark', true],
  ['session=x; Path=/; HttpOnly; SameSite=Lax', true],
  ['empty=', true],
  // The portal's and our entry's, in any spelling.
  ['__Host-sallyport-entry=x; Secure; Path=/', false],
  ['__host-Sallyport-entry=x', false],
  ['__Secure-sallyport=x', false],
  ['sallyport=x', false],
  [' __Host-sallyport_1 =x', false],
  // A nameless cookie that reads as ours to who splits it otherwise (CVE-2022-2860's kin).
  ['=__Host-sallyport-entry=x', false],
  ['__Host-sallyport-entry', false],
  // Cookie tossing: for the addresses beside it, and the portal.
  ['a=b; Domain=apps.example', false],
  ['a=b; Path=/; DOMAIN = .example', false],
  ['a=b;domain', false],
  ['a=b; x-domain=1', true],
])('a service may set %s: %s', (cookie, may) => {
  expect(mayBeSet(cookie)).toBe(may);
});

it('goes up without ours', () => {
  expect(withoutCookies('a=b; __Host-sallyport-entry=x; theme=dark; __host-sallyport_2=y', isOurCookie)).toBe(
    'a=b; theme=dark',
  );
  expect(withoutCookies('__Host-sallyport-entry=x', isOurCookie)).toBeUndefined();
});
