import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  cliScopes,
  deviceName,
  isChallenge,
  isLoopbackRedirect,
  isVerifier,
  paced,
  readUserCode,
  showUserCode,
  userCodeFrom,
} from './cli-sign-in.ts';

test.each(['http://127.0.0.1:1/callback', 'http://127.0.0.1:8080/callback', 'http://127.0.0.1:65535/callback'])(
  '%s is a redirect address of the command line',
  (uri) => expect(isLoopbackRedirect(uri)).toBe(true),
);

test.each([
  'http://localhost:8080/callback',
  'http://127.0.0.1/callback',
  'http://127.0.0.1:0/callback',
  'http://127.0.0.1:080/callback',
  'http://127.0.0.1:65536/callback',
  'https://127.0.0.1:8080/callback',
  'http://127.0.0.2:8080/callback',
  'http://[::1]:8080/callback',
  'http://127.0.0.1:8080/callback/',
  'http://127.0.0.1:8080/callback?x=1',
  'http://127.0.0.1:8080/callback#x',
  'http://127.0.0.1:8080/other',
  'http://127.0.0.1:8080/../callback',
  'http://127.0.0.1:8080@evil.example/callback',
  'http://user@127.0.0.1:8080/callback',
  'http://127.0.0.1.evil.example:8080/callback',
  'http://evil.example:8080/callback',
  'http://127.0.0.1:8080/callback\n',
  'HTTP://127.0.0.1:8080/callback',
  'javascript:alert(1)',
  '',
])('%j is none', (uri) => expect(isLoopbackRedirect(uri)).toBe(false));

test.each([
  [undefined, ['read', 'sessions']],
  ['read', ['read']],
  ['sessions read sessions', ['sessions', 'read']],
  ['admin', null],
  ['read admin', null],
  ['', null],
  ['READ', null],
])('the scopes %j are %j', (text, scopes) => expect(cliScopes(text)).toEqual(scopes));

test.each([
  [' laptop ', 'laptop'],
  ['Ann’s laptop', 'Ann’s laptop'],
  ['', null],
  [undefined, null],
  ['a\nb', null],
  ['\u202eptop', null],
  ['x'.repeat(65), null],
])('a device called %j is %j', (text, name) => expect(deviceName(text)).toBe(name));

test('PKCE: challenges are SHA-256 in base64url, verifiers have 43 to 128 unreserved characters', () => {
  expect(isChallenge('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM')).toBe(true);
  for (const none of ['', 'x'.repeat(42), 'x'.repeat(44), `${'x'.repeat(42)}=`]) expect(isChallenge(none)).toBe(false);
  for (const good of ['x'.repeat(43), '-._~'.repeat(32)]) expect(isVerifier(good)).toBe(true);
  for (const none of ['x'.repeat(42), 'x'.repeat(129), `${'x'.repeat(42)}+`]) expect(isVerifier(none)).toBe(false);
});

test('a user code is eight consonants, each as likely as another, and reads back however it is typed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (random) => {
      const code = userCodeFrom(random);
      if (code === null) return random.filter((byte) => byte < 240).length < 8;
      const shown = showUserCode(code);
      return (
        /^[BCDFGHJKLMNPQRSTVWXZ]{8}$/.test(code) &&
        readUserCode(shown) === code &&
        readUserCode(` ${shown.toLowerCase().replace('-', ' ')} `) === code
      );
    }),
  );
  const counts = new Map<string, number>();
  for (let byte = 0; byte < 240; byte++) {
    const letter = userCodeFrom(new Uint8Array(8).fill(byte))![0]!;
    counts.set(letter, (counts.get(letter) ?? 0) + 1);
  }
  expect(new Set(counts.values())).toEqual(new Set([12]));
});

test.each(['', 'BCDF', 'BCDF-GHJ', 'BCDF-GHJA', 'BCDF-GHJ1', 'BCDF-GHJKL', 'BCDF_GHJK'])(
  '%j is no user code',
  (typed) => expect(readUserCode(typed)).toBeNull(),
);

test.each([
  ['the first question', null, 5, { tooEarly: false, intervalSeconds: 5 }],
  ['after the interval', 5_000, 5, { tooEarly: false, intervalSeconds: 5 }],
  ['a moment early', 4_600, 5, { tooEarly: false, intervalSeconds: 5 }],
  ['too early', 1_000, 5, { tooEarly: true, intervalSeconds: 10 }],
  ['too early again', 6_000, 10, { tooEarly: true, intervalSeconds: 15 }],
  ['too early for ever', 0, 58, { tooEarly: true, intervalSeconds: 60 }],
])('%s', (_name, agoMs, intervalSeconds, outcome) => {
  const now = new Date(1_000_000);
  const polledAt = agoMs === null ? null : new Date(now.getTime() - agoMs);
  expect(paced({ polledAt, intervalSeconds }, now)).toEqual(outcome);
});
