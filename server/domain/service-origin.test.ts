import { describe, expect, it, test } from 'vitest';
import {
  atOrigin,
  isLinkLabel,
  labelOf,
  linkLabel,
  onCluster,
  originOf,
  proxyPath,
  serviceLabel,
  type ServiceTarget,
} from './service-origin.ts';

const local = { scheme: 'http', domain: 'localhost', port: ':8080' } as const;
const team = { scheme: 'https', domain: 'apps.example', port: '' } as const;
const board: ServiceTarget = { kind: 'service', namespace: 'monitoring', name: 'board', port: '80', scheme: 'http' };

describe('the label of a host', () => {
  it.each([
    ['board-x.localhost:8080', local, 'board-x'],
    ['BOARD-x.Localhost:8080', local, 'board-x'],
    ['board-x.apps.example', team, 'board-x'],
    // The portal, and what only looks like it.
    ['localhost:8080', local, null],
    ['.localhost:8080', local, null],
    ['board-x.localhost', local, null],
    ['board-x.localhost:8081', local, null],
    ['a.b.localhost:8080', local, null],
    ['board-x.apps.example:444', team, null],
    ['board-x.apps.example.', team, null],
    ['board-xapps.example', team, null],
    ['-board.apps.example', team, null],
    ['bo_ard.apps.example', team, null],
    ['board@evil.apps.example', team, null],
    ['portal.apps.example', team, null],
    ['', team, null],
    [undefined, team, null],
  ])('%s', (host, domain, label) => {
    expect(labelOf(host, domain, 'portal.apps.example')).toBe(label);
  });

  it('comes back from an origin', () => {
    for (const domain of [local, team])
      expect(labelOf(new URL(originOf('board-x', domain)).host, domain, '')).toBe('board-x');
  });
});

describe('a label', () => {
  it('says which service it is, to people, and is a DNS label whatever its names are', () => {
    expect(serviceLabel(board, 'abcdef0123456789')).toBe('board-monitoring-abcdef0123');
    const long = serviceLabel({ ...board, name: 'a'.repeat(63), namespace: `b${'-'.repeat(60)}c` }, 'f'.repeat(64));
    expect(long.length).toBeLessThanOrEqual(63);
    expect(labelOf(`${long}.apps.example`, team, '')).toBe(long);
    const dotted = serviceLabel({ ...board, name: 'my.pod_' }, '0'.repeat(64));
    expect(labelOf(`${dotted}.apps.example`, team, '')).toBe(dotted);
  });

  it('of a link is its own, and no service’s', () => {
    const label = linkLabel('00000000-0000-4000-8000-000000000000');
    expect(isLinkLabel(label)).toBe(true);
    expect(isLinkLabel(serviceLabel({ ...board, name: 'link', namespace: '0'.repeat(32) }, '0'.repeat(64)))).toBe(
      false,
    );
  });
});

test.each([
  [board, '/api/v1/namespaces/monitoring/services/board:80/proxy'],
  [{ ...board, port: null }, '/api/v1/namespaces/monitoring/services/board/proxy'],
  [{ ...board, scheme: 'https' as const }, '/api/v1/namespaces/monitoring/services/https:board:80/proxy'],
  [{ ...board, scheme: 'https' as const, port: null }, '/api/v1/namespaces/monitoring/services/https:board:/proxy'],
  [{ ...board, kind: 'pod' as const, port: null }, '/api/v1/namespaces/monitoring/pods/board/proxy'],
])('where it is on the cluster: %j', (target, path) => {
  expect(proxyPath(target)).toBe(path);
});

test.each([
  ['/', '/p/proxy/'],
  ['/a/b?c=d', '/p/proxy/a/b?c=d'],
  ['/?x', '/p/proxy/?x'],
  // As the API server rewrote it.
  ['/p/proxy/a', '/p/proxy/a'],
  ['/p/proxy?x', '/p/proxy?x'],
  // Another's prefix is a path of this one.
  ['/p/proxyx/a', '/p/proxy/p/proxyx/a'],
  ['/api/v1/secrets', '/p/proxy/api/v1/secrets'],
])('%s is %s on the cluster', (target, expected) => {
  expect(onCluster('/p/proxy', target)).toBe(expected);
});

test.each([
  ['/p/proxy/login', '/login'],
  ['/p/proxy', '/'],
  ['/login', '/login'],
  ['login', 'login'],
  ['https://idp.example/p/proxy/', 'https://idp.example/p/proxy/'],
])('Location %s is %s at the origin', (location, expected) => {
  expect(atOrigin('/p/proxy', location)).toBe(expected);
});
