import { describe, expect, it } from 'vitest';
import { matchesName, matchesPath } from './glob.ts';

describe('names', () => {
  it.each([
    ['web', 'web', true],
    ['web', 'web-1', false],
    ['web-*', 'web-1', true],
    ['web-*', 'web-', true],
    ['web-*', 'web', false],
    ['*', '', true],
    ['*-prod-*', 'a-prod-b', true],
    ['*-prod', 'a-prod-b', false],
    ['**', 'anything', true],
    ['a.b', 'axb', false],
    ['[a]', 'a', false],
    ['', '', true],
    ['', 'a', false],
  ])('%s for %s: %s', (pattern, name, expected) => {
    expect(matchesName(pattern, name)).toBe(expected);
  });
});

describe('paths', () => {
  it.each([
    ['/healthz', '/healthz', true],
    ['/healthz', '/healthz/etcd', false],
    ['/healthz/*', '/healthz/etcd', true],
    ['/healthz/*', '/healthz/a/b', false],
    ['/openapi/**', '/openapi/v3/apis/apps/v1', true],
    ['/openapi/**', '/openapi/', true],
    ['/openapi/**', '/openapi', false],
    ['/openapi/**', '/openapis', false],
    ['/api/v1/namespaces/*/services/grafana/proxy/**', '/api/v1/namespaces/a/services/grafana/proxy/d/1', true],
    ['/api/v1/namespaces/*/services/grafana/proxy/**', '/api/v1/namespaces/a/b/services/grafana/proxy/d', false],
    ['/a*b', '/a/b', false],
    ['/***', '/a/b', true],
  ])('%s for %s: %s', (pattern, path, expected) => {
    expect(matchesPath(pattern, path)).toBe(expected);
  });
});

it('is not made slow by many stars (ReDoS, CWE-1333)', () => {
  const pattern = '*a'.repeat(64) + 'b';
  // By backtracking this would not end within the test's time.
  expect(matchesPath(pattern, 'a'.repeat(4_096))).toBe(false);
});
