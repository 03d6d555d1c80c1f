import { expect, it } from 'vitest';
import { parseKubeRequest } from './kube-request.ts';
import { linkRefusal } from './link-grant.ts';

const now = new Date('2026-01-01T12:00:00Z');
const grant = {
  paths: ['/api/v1/namespaces/a/pods/**', '/api/v1/namespaces/a/pods', '/healthz/*'],
  verbs: ['get'],
  notBefore: new Date('2026-01-01T00:00:00Z'),
  personal: false,
  within: null as { paths: string[]; verbs: string[] } | null,
};

/** `UPGRADE` is a GET that changes the protocol. Null: let through; `bad-path`: the parser refused it. */
function ask(line: string, change: Partial<typeof grant> = {}): string | null {
  const [word, target] = line.split(' ') as [string, string];
  const upgrade = word === 'UPGRADE';
  const request = parseKubeRequest(upgrade ? 'GET' : word, target);
  if ('refused' in request) return request.refused.code;
  return linkRefusal({ ...request, upgrade }, { ...grant, ...change }, now)?.code ?? null;
}

it.each([
  ['GET /api/v1/namespaces/a/pods/web', null],
  ['HEAD /api/v1/namespaces/a/pods/web', null],
  ['GET /api/v1/namespaces/a/pods/web/log?follow=true', null],
  ['GET /healthz/etcd', null],
  // A list shows all of them, a watch for ever: verbs of their own.
  ['GET /api/v1/namespaces/a/pods', 'link-refused'],
  ['GET /api/v1/namespaces/a/pods?watch=true', 'link-refused'],
  ['POST /api/v1/namespaces/a/pods', 'link-refused'],
  ['DELETE /api/v1/namespaces/a/pods/web', 'link-refused'],
  ['DELETE /api/v1/namespaces/a/pods', 'link-refused'],
  // Next to it, above it, another spelling of it.
  ['GET /api/v1/namespaces/ab/pods/web', 'link-refused'],
  ['GET /api/v1/namespaces/a/podsx/web', 'link-refused'],
  ['GET /api/v1/namespaces/a', 'link-refused'],
  ['GET /API/v1/namespaces/a/pods/web', 'link-refused'],
  ['GET /api/v1/namespaces/A/pods/web', 'link-refused'],
  ['GET /healthz/etcd/more', 'link-refused'],
  ['GET /api/v1/watch/namespaces/a/pods/web', 'link-refused'],
  ['GET /apis/apps/v1/namespaces/a/pods/web', 'link-refused'],
  ['GET /api/v1/namespaces/a/pods/../secrets/x', 'bad-path'],
  ['GET /api/v1/namespaces/a/pods/%2e%2e/secrets/x', 'bad-path'],
  ['GET /api/v1/namespaces/a/pods/..%2fsecrets/x', 'bad-path'],
  ['GET /api/v1/namespaces/a/pods//web', 'bad-path'],
  ['GET /api/v1/secrets?x=/api/v1/namespaces/a/pods/web', 'link-refused'],
  // A GET that opens a shell is no read (Kubernetes #78741).
  ['GET /api/v1/namespaces/a/pods/web/exec?command=sh', 'link-refused'],
  ['UPGRADE /api/v1/namespaces/a/pods/web/exec?command=sh', 'link-refused'],
  ['UPGRADE /api/v1/namespaces/a/pods/web/log', 'link-refused'],
])('%s: %s', (line, code) => expect(ask(line)).toBe(code));

it('opens a stream where it says so, and then that alone', () => {
  const verbs = ['connect'];
  expect(ask('UPGRADE /api/v1/namespaces/a/pods/web/exec?command=sh', { verbs })).toBe(null);
  expect(ask('GET /api/v1/namespaces/a/pods/web', { verbs })).toBe('link-refused');
});

it('opens nothing before its time', () => {
  expect(ask('GET /healthz/etcd', { notBefore: new Date('2026-01-01T12:00:01Z') })).toBe('link-early');
});

it('of one person’s is no token for a program, whoever holds it', () => {
  expect(ask('GET /healthz/etcd', { personal: true })).toBe('link-personal');
});

it('of a key opens what the key may besides, however wide its own patterns are', () => {
  const within = { paths: ['/api/v1/namespaces/a/pods/*'], verbs: ['get'] };
  const wide = { paths: ['/**'], verbs: ['get', 'delete'], within };
  expect(ask('GET /api/v1/namespaces/a/pods/web', wide)).toBeNull();
  expect(ask('GET /api/v1/namespaces/b/pods/web', wide)).toBe('link-past-limits');
  expect(ask('DELETE /api/v1/namespaces/a/pods/web', wide)).toBe('link-past-limits');
  expect(ask('GET /api/v1/namespaces/a/pods/web', { ...wide, paths: ['/healthz/*'] })).toBe('link-refused');
});
