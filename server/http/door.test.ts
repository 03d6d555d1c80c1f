import { expect, test } from 'vitest';
import { doorFor, visitsPage } from './door.ts';

const visit = (url: string, mode: string | undefined = 'navigate', method = 'GET') =>
  visitsPage({ method, url, headers: mode === undefined ? {} : { 'sec-fetch-mode': mode } });

test.each(['/', '/?q=1', '/clusters', '/sessions/1?at=2', '/no/such/page', '/sign-ins', '/apis'])(
  '%s is a page',
  (url) => expect(visit(url)).toBe(true),
);

test.each(['/sign-in', '/sign-in?return=%2F', '/api/auth/callback/oidc?code=x', '/api/v1/me', '/_next/static/a.js'])(
  '%s is none',
  (url) => expect(visit(url)).toBe(false),
);

test('only a browser that shows a page is sent away', () => {
  expect(visit('/clusters', 'cors')).toBe(false);
  expect(visitsPage({ method: 'GET', url: '/clusters', headers: {} })).toBe(false);
  expect(visit('/clusters', 'navigate', 'POST')).toBe(false);
});

test('the door knows where the person wanted to go, and whether they were signed in', () => {
  expect(doorFor('/', false)).toBe('/sign-in');
  expect(doorFor('/audit?code=a&who=b', false)).toBe('/sign-in?return=%2Faudit%3Fcode%3Da%26who%3Db');
  expect(doorFor('/', true)).toBe('/sign-in?reason=expired');
});
