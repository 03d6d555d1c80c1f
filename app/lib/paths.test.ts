import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { apiPaths, paths, safeReturn } from './paths.ts';

test('each page has the address that links and bookmarks rely on', () => {
  const id = '1b4e28ba-2fa1-41d2-883f-0016d3cca427';
  expect({
    home: paths.home(),
    signIn: paths.signIn({ return: '/sessions?mine=true' }),
    clusters: paths.clusters(),
    newCluster: paths.newCluster(),
    cluster: paths.cluster('edge-1'),
    sessions: paths.sessions({ state: 'active', mine: true, user: '' }),
    session: paths.session(id, { at: 1500 }),
    audit: paths.audit({ code: 'api.finished' }),
    terminal: paths.terminal(id),
    cast: apiPaths.recordingCast(id),
    files: apiPaths.files(id, '/home/sallyport/a b&c'),
  }).toEqual({
    home: '/',
    signIn: '/sign-in?return=%2Fsessions%3Fmine%3Dtrue',
    clusters: '/clusters',
    newCluster: '/clusters/new',
    cluster: '/clusters/edge-1',
    sessions: '/sessions?state=active&mine=true',
    session: `/sessions/${id}?at=1500`,
    audit: '/audit?code=api.finished',
    terminal: `/terminal/${id}`,
    cast: `/api/v1/sessions/${id}/recording.cast`,
    files: `/api/v1/sessions/${id}/files?path=%2Fhome%2Fsallyport%2Fa+b%26c`,
  });
});

test('a segment never leaves its place', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (name) => {
      fc.pre(!/[\ud800-\udfff]/.test(name) && name !== '.' && name !== '..');
      const url = new URL(paths.cluster(name), 'https://portal.test');
      expect(url.search).toBe('');
      expect(url.pathname.split('/').length).toBe(3);
    }),
  );
});

describe('the address to return to', () => {
  test.each([
    ['/sessions?mine=true', '/sessions?mine=true'],
    ['/clusters/edge-1#top', '/clusters/edge-1#top'],
    [null, '/'],
    ['', '/'],
    ['https://evil.example', '/'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['/\t/evil.example', '/'],
    ['/a\\..\\b', '/'],
    ['javascript:alert(1)', '/'],
    ['/sign-in?return=/', '/'],
  ])('%j becomes %j', (value, expected) => expect(safeReturn(value)).toBe(expected));

  test('stays on this origin, whatever is asked', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webPath(), fc.webUrl()), (value) => {
        expect(new URL(safeReturn(value), 'https://portal.test').origin).toBe('https://portal.test');
      }),
      { numRuns: 60 },
    );
  }, 30_000);
});
