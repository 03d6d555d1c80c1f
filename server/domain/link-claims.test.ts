import { expect, it } from 'vitest';
import { readLinkClaims } from './link-claims.ts';

const now = new Date('2026-01-01T12:00:00Z');
const at = (offset = 0) => now.getTime() / 1000 + offset;
const limits = { cluster: { id: 'c-1', name: 'one' }, verbs: ['get', 'list'], longestMs: 2 * 3_600_000, usesMax: null };
const claims = { jti: 'a', iat: at(), paths: ['/api/v1/pods'] };

const read = (change: Record<string, unknown>, limit: Partial<typeof limits> | { usesMax: number } = {}) =>
  readLinkClaims({ ...claims, ...change }, { ...limits, ...limit }, now);
const codeOf = (...of: Parameters<typeof read>) => {
  const got = read(...of);
  return 'refused' in got ? got.refused.code : null;
};

it('without more it gets, from its making on, for an hour, as often as one likes', () => {
  expect(read({})).toEqual({
    id: 'a',
    name: 'by a key',
    paths: ['/api/v1/pods'],
    verbs: ['get'],
    notBefore: now,
    expiresAt: new Date('2026-01-01T13:00:00Z'),
    uses: null,
    recipient: null,
    landing: '/',
  });
  expect(read({ nbf: at(600) })).toMatchObject({ expiresAt: new Date('2026-01-01T13:10:00Z') });
  expect(read({ duration: 600 })).toMatchObject({ expiresAt: new Date('2026-01-01T12:10:00Z') });
  expect(read({ nbf: at(600), duration: 60 })).toMatchObject({ expiresAt: new Date('2026-01-01T12:11:00Z') });
  expect(read({}, { longestMs: 60_000 })).toMatchObject({ expiresAt: new Date('2026-01-01T12:01:00Z') });
});

it.each([
  [{ jti: undefined }],
  [{ jti: '' }],
  [{ jti: 'x'.repeat(129) }],
  [{ jti: 7 }],
  [{ iat: undefined }],
  [{ iat: 'now' }],
  [{ iat: at(31) }],
  [{ nbf: 'soon' }],
  [{ exp: null }],
  [{ exp: at(0) }],
  [{ exp: at(-5) }],
  [{ nbf: at(100), exp: at(100) }],
  [{ exp: Number.POSITIVE_INFINITY }],
  [{ exp: 1e15 }],
  [{ paths: undefined }],
  [{ paths: [] }],
  [{ paths: '/api' }],
  [{ paths: ['api'] }],
  [{ paths: ['/a b'] }],
  [{ paths: [1] }],
  [{ paths: Array.from({ length: 51 }, () => '/a') }],
  [{ verbs: [] }],
  [{ verbs: ['GET'] }],
  [{ verbs: ['*'] }],
  [{ uses: 0 }],
  [{ uses: 1.5 }],
  [{ uses: '1' }],
  [{ name: 'a\nb' }],
  [{ landing: '//evil.example' }],
  [{ landing: 'https://evil.example' }],
  [{ duration: 0 }],
  [{ duration: '1h' }],
  [{ duration: 1.5 }],
  [{ duration: null }],
  // Which of the two would count?
  [{ duration: 60, exp: at(60) }],
  [{ recipient: 'ann' }],
  [{ recipient: null }],
  [{ recipient: '' }],
  [{ recipient: ['ann@example.com'] }],
  [{ recipient: `${'a'.repeat(250)}@example.com` }],
  // What nobody reads might be what was to narrow it: of others' links (kube-gateway), and of other tokens.
  [{ URLs: ['/api/v1/pods'] }],
  [{ from: '2026-01-01T13:00:00Z' }],
  [{ sub: 'ann' }],
  [{ namespace: 'a' }],
])('%j is none', (change) => {
  expect(codeOf(change)).toBe('token-invalid');
});

it.each([
  [{ cluster: 'two' }, {}],
  [{ cluster: ['one'] }, {}],
  [{ exp: at(7_201) }, {}],
  [{ duration: 7_201 }, {}],
  [{ nbf: at(3_600), exp: at(3_600 + 7_201) }, {}],
  [{ verbs: ['get', 'delete'] }, {}],
  [{}, { usesMax: 3 }],
  [{ uses: 4 }, { usesMax: 3 }],
])('%j is past what the key may, %j', (change, limit) => {
  expect(codeOf(change, limit)).toBe('link-past-limits');
});

it.each([
  [{ cluster: 'one' }, {}],
  [{ cluster: 'c-1' }, {}],
  [{ exp: at(7_200) }, {}],
  [{ verbs: ['list', 'get'] }, {}],
  [{ uses: 3 }, { usesMax: 3 }],
  [{ iat: at(20) }, {}],
  [{ duration: 7_200 }, {}],
  [{ recipient: 'ann@example.com' }, {}],
  [{ aud: 'x', iss: 'y', name: 'für Ann', landing: '/console.html?x=1' }, {}],
])('%j is within it, %j', (change, limit) => {
  expect(codeOf(change, limit)).toBeNull();
});
