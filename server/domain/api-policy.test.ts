import { describe, expect, it } from 'vitest';
import { type ApiPolicy, narrows, OPEN_POLICY, policyRefusal } from './api-policy.ts';
import { parseKubeRequest } from './kube-request.ts';

/** `GET /path`, or `UPGRADE /path` for a GET that changes the protocol. */
function ask(line: string, policy: Partial<ApiPolicy>): string | null {
  const [word, target] = line.split(' ') as [string, string];
  const upgrade = word === 'UPGRADE';
  const request = parseKubeRequest(upgrade ? 'GET' : word, target);
  if ('refused' in request) throw new Error(request.refused.message);
  return policyRefusal({ ...request, upgrade }, { ...OPEN_POLICY, ...policy }, 'developer')?.code ?? null;
}

const rule = (change: object) => ({
  verbs: ['*'],
  apiGroups: ['*'],
  resources: ['*'],
  namespaces: [],
  names: [],
  ...change,
});
const POD = '/api/v1/namespaces/shop/pods/web-1';

describe('an open policy', () => {
  it.each([
    `GET ${POD}`,
    `POST ${POD}/exec`,
    `UPGRADE ${POD}/portforward`,
    `PATCH ${POD}/ephemeralcontainers`,
    'DELETE /api/v1/namespaces/shop/secrets',
    'GET /api/v1/namespaces/shop/services/web:80/proxy/',
    'POST /metrics',
    'GET /apis/shop.example/v1/carts',
  ])('%s', (line) => expect(ask(line, {})).toBe(null));

  it('keeps the kubelet shut (Kubernetes #78741)', () => {
    expect(ask('GET /api/v1/nodes/node-1/proxy/pods', {})).toBe('node-proxy-refused');
    expect(ask('GET /api/v1/nodes/node-1/proxy/pods', { connect: ['node-proxy'] })).toBe(null);
  });
});

describe('read-only', () => {
  it.each([
    [`GET ${POD}`, null],
    [`HEAD ${POD}`, null],
    [`GET ${POD}/log?follow=true`, null],
    ['GET /api/v1/pods?watch=true', null],
    ['GET /apis/apps/v1/namespaces/shop/deployments/web/scale', null],
    ['GET /metrics', null],
    // The questions that `kubectl auth can-i` and `whoami` ask.
    ['POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews', null],
    ['POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews', null],
    ['POST /apis/authentication.k8s.io/v1/selfsubjectreviews', null],
    // A question about others is a right of its own; whoever may write is not read-only.
    ['POST /apis/authorization.k8s.io/v1/subjectaccessreviews', 'role-read-only'],
    ['POST /apis/authentication.k8s.io/v1/tokenreviews', 'role-read-only'],
    ['POST /api/v1/namespaces/shop/pods', 'role-read-only'],
    ['POST /api/v1/namespaces/shop/pods?dryRun=All', 'role-read-only'],
    [`PUT ${POD}`, 'role-read-only'],
    [`PATCH ${POD}/status`, 'role-read-only'],
    [`DELETE ${POD}`, 'role-read-only'],
    ['DELETE /api/v1/namespaces/shop/pods', 'role-read-only'],
    [`POST ${POD}/eviction`, 'role-read-only'],
    ['PUT /apis/apps/v1/namespaces/shop/deployments/web/scale', 'role-read-only'],
    [`PATCH ${POD}/ephemeralcontainers`, 'role-read-only'],
    // A watch in the path is a watch, whatever the method says.
    ['DELETE /api/v1/watch/namespaces/shop/pods', 'role-read-only'],
    ['POST /api/v1/watch/namespaces/shop/pods', 'role-read-only'],
    // By GET too: what a stream does is no read (Kubernetes #78741).
    [`GET ${POD}/exec?command=sh`, 'role-read-only'],
    [`UPGRADE ${POD}/exec?command=sh`, 'role-read-only'],
    [`UPGRADE ${POD}/attach`, 'role-read-only'],
    [`UPGRADE ${POD}/portforward`, 'role-read-only'],
    [`POST ${POD}/portforward`, 'role-read-only'],
    ['GET /api/v1/namespaces/shop/services/web/proxy/', 'role-read-only'],
    [`GET ${POD}/proxy/`, 'role-read-only'],
    ['POST /metrics', 'role-read-only'],
  ])('%s: %s', (line, code) => expect(ask(line, { readOnly: true })).toBe(code));
});

describe('ways in, each for itself', () => {
  const only = (way: ApiPolicy['connect'][number]) => ({ connect: [way] });
  it.each([
    [`POST ${POD}/exec`, only('exec'), null],
    [`POST ${POD}/attach`, only('exec'), 'role-connect-refused'],
    [`UPGRADE ${POD}/portforward`, only('exec'), 'role-connect-refused'],
    [`UPGRADE ${POD}/portforward`, only('port-forward'), null],
    [`PATCH ${POD}/ephemeralcontainers`, only('exec'), 'role-connect-refused'],
    [`PUT ${POD}/ephemeralcontainers`, only('exec'), 'role-connect-refused'],
    [`GET ${POD}/ephemeralcontainers`, only('exec'), null],
    [`GET ${POD}/proxy/`, only('service-proxy'), 'role-connect-refused'],
    ['GET /api/v1/namespaces/shop/services/web/proxy/', only('service-proxy'), null],
    ['DELETE /api/v1/namespaces/shop/services/web/proxy/x', only('pod-proxy'), 'role-connect-refused'],
    // An aggregated API's own subresource of that name is its own.
    ['POST /apis/shop.example/v1/namespaces/shop/carts/a/exec', only('attach'), null],
  ])('%s: %s', (line, policy, code) => expect(ask(line, policy)).toBe(code));
});

describe('Secrets', () => {
  it.each([
    ['GET /api/v1/namespaces/shop/secrets/db', 'none', 'role-secrets-refused'],
    ['GET /api/v1/secrets?watch=1', 'none', 'role-secrets-refused'],
    ['POST /api/v1/namespaces/shop/secrets', 'none', 'role-secrets-refused'],
    ['GET /api/v1/namespaces/shop/secrets', 'read', null],
    ['PATCH /api/v1/namespaces/shop/secrets/db', 'read', 'role-secrets-refused'],
    ['DELETE /api/v1/namespaces/shop/secrets', 'read', 'role-secrets-refused'],
    ['GET /apis/vault.example/v1/namespaces/shop/secrets', 'none', null],
  ] as const)('%s where %s: %s', (line, secrets, code) => expect(ask(line, { secrets })).toBe(code));
});

describe('allow', () => {
  const allow = [
    rule({ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/log'], namespaces: ['shop', 'team-*'] }),
    rule({ verbs: ['patch'], apiGroups: ['apps'], resources: ['*/scale'], names: ['web-*'] }),
    rule({ apiGroups: ['batch'], resources: ['jobs', 'jobs/*'], namespaces: ['shop'] }),
  ];
  it.each([
    [`GET ${POD}`, null],
    [`GET ${POD}/log`, null],
    [`GET ${POD}/status`, 'role-rule-refused'],
    ['GET /api/v1/namespaces/team-a/pods', null],
    ['GET /api/v1/namespaces/team/pods', 'role-rule-refused'],
    ['GET /api/v1/pods', 'role-rule-refused'],
    ['GET /api/v1/namespaces/shop/pods?watch=true', 'role-rule-refused'],
    [`DELETE ${POD}`, 'role-rule-refused'],
    ['DELETE /api/v1/namespaces/shop/pods', 'role-rule-refused'],
    ['PATCH /apis/apps/v1/namespaces/shop/deployments/web-1/scale', null],
    ['PATCH /apis/apps/v1/namespaces/shop/deployments/db/scale', 'role-rule-refused'],
    ['PATCH /apis/apps/v1/namespaces/shop/deployments/web-1', 'role-rule-refused'],
    ['DELETE /apis/batch/v1/namespaces/shop/jobs', null],
    ['PUT /apis/batch/v1/namespaces/shop/jobs/x/status', null],
    ['PUT /apis/batch.evil/v1/namespaces/shop/jobs/x', 'role-rule-refused'],
    ['GET /api', null],
  ])('%s: %s', (line, code) => expect(ask(line, { allow })).toBe(code));
});

describe('deny', () => {
  const deny = [
    rule({ namespaces: ['kube-*'] }),
    rule({ verbs: ['delete', 'deletecollection'], apiGroups: [''], resources: ['persistentvolumeclaims'] }),
    rule({ apiGroups: [''], resources: ['configmaps'], names: ['prod-*'] }),
  ];
  it.each([
    [`GET ${POD}`, null],
    ['GET /api/v1/namespaces/kube-system/pods', 'role-rule-refused'],
    ['GET /api/v1/namespaces/kube-system', 'role-rule-refused'],
    // Over all namespaces these are among them.
    ['GET /api/v1/pods', 'role-rule-refused'],
    ['GET /apis/shop.example/v1/carts', 'role-rule-refused'],
    ['GET /api/v1/nodes', null],
    ['GET /api/v1/nodes/node-1', null],
    ['GET /apis/shop.example/v1/carts/one', null],
    ['DELETE /api/v1/namespaces/shop/persistentvolumeclaims/data', 'role-rule-refused'],
    ['DELETE /api/v1/namespaces/shop/persistentvolumeclaims', 'role-rule-refused'],
    ['GET /api/v1/namespaces/shop/persistentvolumeclaims', null],
    ['GET /api/v1/namespaces/shop/configmaps/prod-a', 'role-rule-refused'],
    ['GET /api/v1/namespaces/shop/configmaps/dev-a', null],
    // Among what a list shows, and what a body creates, may be one of those.
    ['GET /api/v1/namespaces/shop/configmaps', 'role-rule-refused'],
    ['POST /api/v1/namespaces/shop/configmaps', 'role-rule-refused'],
    ['GET /api/v1/namespaces/shop/configmaps?fieldSelector=metadata.name%3Ddev-a', null],
  ])('%s: %s', (line, code) => expect(ask(line, { deny })).toBe(code));

  it('goes before what is allowed', () => {
    expect(ask(`GET ${POD}`, { allow: [rule({})], deny: [rule({ names: ['web-*'] })] })).toBe('role-rule-refused');
  });
});

describe('paths that name no resource', () => {
  const paths = [{ methods: ['GET' as const], path: '/healthz/*' }];
  it.each([
    ['GET /healthz/etcd', null],
    ['GET /healthz/etcd/more', 'role-path-refused'],
    ['POST /healthz/etcd', 'role-path-refused'],
    ['GET /metrics', 'role-path-refused'],
    ['GET /logs/kube-apiserver.log', 'role-path-refused'],
    // Without these no client finds anything.
    ['GET /api', null],
    ['GET /api/v1', null],
    ['GET /apis', null],
    ['GET /apis/apps/v1', null],
    ['GET /openapi/v3/apis/apps/v1', null],
    ['GET /version', null],
    ['POST /version', 'role-path-refused'],
    ['GET /apis/apps', null],
  ])('%s: %s', (line, code) => expect(ask(line, { paths })).toBe(code));
});

describe('paths behind services and pods', () => {
  // "Members may only read this dashboard."
  const dashboard = {
    readOnly: true,
    connect: ['service-proxy' as const],
    proxyPaths: [
      { methods: ['GET' as const, 'UPGRADE' as const], namespaces: ['mon'], names: ['grafana:3000'], path: '/d/**' },
    ],
  };
  const at = (name: string, path: string) => `/api/v1/namespaces/mon/services/${name}/proxy${path}`;
  it.each([
    [`GET ${at('grafana:3000', '/d/one')}`, null],
    [`GET ${at('http:grafana:3000', '/d/')}`, null],
    [`GET ${at('grafana:9090', '/d/one')}`, 'role-path-refused'],
    [`GET ${at('grafana', '/d/one')}`, 'role-path-refused'],
    [`GET ${at('http:grafana-evil:3000', '/d/one')}`, 'role-path-refused'],
    [`GET ${at('grafana:3000', '/admin')}`, 'role-path-refused'],
    [`GET ${at('grafana:3000', '')}`, 'role-path-refused'],
    [`HEAD ${at('grafana:3000', '/d/one')}`, 'role-path-refused'],
    [`POST ${at('grafana:3000', '/d/one')}`, 'role-read-only'],
    // Read-only stays so, whatever a rule opens.
    [`UPGRADE ${at('grafana:3000', '/d/live')}`, 'role-read-only'],
    ['GET /api/v1/namespaces/other/services/grafana:3000/proxy/d/one', 'role-path-refused'],
    ['GET /api/v1/namespaces/mon/pods/grafana:3000/proxy/d/one', 'role-connect-refused'],
  ])('%s: %s', (line, code) => expect(ask(line, dashboard)).toBe(code));

  it('opens a WebSocket to whoever may write', () => {
    expect(ask(`UPGRADE ${at('grafana:3000', '/d/live')}`, { ...dashboard, readOnly: false })).toBe(null);
  });

  it('holds a rule by name to the name, however the proxy spells it', () => {
    const allow = [rule({ resources: ['services/proxy'], names: ['grafana'] })];
    expect(ask(`GET ${at('https:grafana:443', '/')}`, { allow })).toBe(null);
    expect(ask(`GET ${at('https:vault:443', '/')}`, { allow })).toBe('role-rule-refused');
  });
});

it('knows whether it refuses more than the portal does by itself', () => {
  expect(narrows(OPEN_POLICY)).toBe(false);
  expect(narrows({ ...OPEN_POLICY, mintCredentials: true, connect: [...OPEN_POLICY.connect, 'node-proxy'] })).toBe(
    false,
  );
  expect(narrows({ ...OPEN_POLICY, connect: ['exec'] })).toBe(true);
  expect(narrows({ ...OPEN_POLICY, secrets: 'read' })).toBe(true);
});
