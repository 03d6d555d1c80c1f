import { describe, expect, test } from 'vitest';
import { OPEN_POLICY } from './api-policy.ts';
import { changesSomething, isLongRunning, mustInspectBody, refusalOf, upgradeOf } from './gateway-decision.ts';
import { type KubeRequest, parseKubeRequest } from './kube-request.ts';

function parse(line: string): KubeRequest & { upgrade: boolean } {
  const [method, target] = line.split(' ') as [string, string];
  const request = parseKubeRequest(method, target);
  if ('refused' in request) throw new Error(request.refused.message);
  return { ...request, upgrade: false };
}

const rules = { portalNamespace: 'sallyport', role: 'developer', policy: OPEN_POLICY };

test.each([
  // Everyday work is not the portal's to refuse.
  ['GET /api', null],
  ['GET /api/v1/namespaces/default/pods', null],
  ['POST /api/v1/namespaces/default/pods/web/exec', null],
  ['GET /api/v1/namespaces/default/pods/web/portforward', null],
  ['PATCH /api/v1/namespaces/default/pods/web/ephemeralcontainers', null],
  ['DELETE /api/v1/namespaces/default/pods', null],
  ['POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews', null],
  ['GET /api/v1/namespaces/default/services/web/proxy/', null],
  ['POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings', null],
  ['GET /api/v1/namespaces/sallyport/serviceaccounts', null],
  ['GET /apis/certificates.k8s.io/v1/certificatesigningrequests', null],
  ['POST /api/v1/namespaces/default/serviceaccounts', null],
  // Tokens: `edit` may create them (security.md, session accounts).
  ['POST /api/v1/namespaces/default/serviceaccounts/default/token', 'token-minting-refused'],
  ['GET /api/v1/namespaces/default/serviceaccounts/default/token', 'token-minting-refused'],
  ['POST /api/v1/namespaces/default/serviceaccounts/default/token/', 'token-minting-refused'],
  ['POST /api/v1/namespaces/default/serviceaccounts/default/token/more', 'token-minting-refused'],
  ['POST /api/v1/watch/namespaces/default/serviceaccounts/default/token', 'token-minting-refused'],
  ['PATCH /api/v1/namespaces/default/serviceaccounts/default/token', 'token-minting-refused'],
  ['POST /api/v1/namespaces/default/%73erviceaccounts/default/%74oken', 'token-minting-refused'],
  // Certificates of the cluster.
  ['POST /apis/certificates.k8s.io/v1/certificatesigningrequests', 'certificate-signing-refused'],
  ['PUT /apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval', 'certificate-signing-refused'],
  ['PATCH /apis/certificates.k8s.io/v1beta1/certificatesigningrequests/x/status', 'certificate-signing-refused'],
  ['POST /apis/certificates.k8s.io/v1beta1/namespaces/a/podcertificaterequests', 'certificate-signing-refused'],
  // The kubelet's API runs commands past RBAC (Kubernetes #78741).
  ['GET /api/v1/nodes/node-1/proxy/run/default/web/sh', 'node-proxy-refused'],
  ['POST /api/v1/nodes/node-1/proxy/exec/default/web/sh', 'node-proxy-refused'],
  ['GET /api/v1/nodes/https:node-1:10250/proxy/pods', 'node-proxy-refused'],
  ['GET /api/v1/proxy/nodes/node-1/pods', 'legacy-proxy-refused'],
  ['GET /api/v1/proxy/namespaces/default/services/web', 'legacy-proxy-refused'],
  // A pod in there could run as a colleague's session.
  ['POST /api/v1/namespaces/sallyport/pods', 'portal-namespace-refused'],
  ['POST /api/v1/namespaces/sallyport/pods/x/exec', 'portal-namespace-refused'],
  ['GET /api/v1/namespaces/sallyport/pods/x/exec', 'portal-namespace-refused'],
  ['DELETE /api/v1/namespaces/sallyport', 'portal-namespace-refused'],
  ['PUT /api/v1/namespaces/sallyport/finalize', 'portal-namespace-refused'],
  ['PATCH /api/v1/namespaces/sallyport/status', 'portal-namespace-refused'],
  ['DELETE /api/v1/watch/namespaces/sallyport/serviceaccounts', 'portal-namespace-refused'],
  ['POST /api/v1/namespaces/%73allyport/pods', 'portal-namespace-refused'],
  ['DELETE /api/v1/namespaces/sallyport/serviceaccounts', 'portal-namespace-refused'],
  ['POST /apis/rbac.authorization.k8s.io/v1/namespaces/sallyport/rolebindings', 'portal-namespace-refused'],
  ['OPTIONS /api/v1/namespaces/default/pods', 'method-not-allowed'],
])('%s: %s', (line, code) => {
  expect(refusalOf(parse(line), rules)?.code ?? null).toBe(code);
});

test.each([
  ['GET /api/v1/pods', false],
  ['GET /api/v1/pods?watch=1', false],
  ['HEAD /api/v1/pods', false],
  ['GET /api/v1/namespaces/a/pods/b/log', false],
  ['GET /api/v1/namespaces/a/pods/b/exec', true],
  ['GET /api/v1/namespaces/a/pods/b/attach', true],
  ['GET /api/v1/namespaces/a/pods/b/portforward', true],
  ['GET /api/v1/namespaces/a/services/b/proxy/', true],
  ['POST /api/v1/namespaces/a/pods', true],
  ['DELETE /api/v1/namespaces/a/pods', true],
  ['POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews', true],
])('%s changes something: %s', (line, wanted) => {
  expect(changesSomething(parse(line))).toBe(wanted);
});

test.each([
  ['GET /api/v1/pods?watch=1', true],
  ['GET /api/v1/watch/pods', true],
  ['GET /api/v1/namespaces/a/pods/b?watch=true', true],
  ['GET /api/v1/namespaces/a/pods/b/log?follow=true', true],
  ['GET /api/v1/namespaces/a/pods/b/exec', true],
  ['GET /api/v1/pods', false],
  ['GET /api/v1/pods?watch=false', false],
  ['GET /version', false],
])('%s is long-running: %s', (line, wanted) => {
  expect(isLongRunning(parse(line))).toBe(wanted);
});

describe('changes of protocol', () => {
  test.each([
    ['GET /api/v1/namespaces/a/pods/b/exec', 'websocket', 'websocket'],
    ['POST /api/v1/namespaces/a/pods/b/exec', 'SPDY/3.1', 'spdy'],
    ['GET /api/v1/namespaces/a/pods/b/portforward', 'WebSocket', 'websocket'],
    ['GET /api/v1/namespaces/a/services/b/proxy/ws', 'websocket', 'websocket'],
    ['GET /api/v1/pods?watch=1', 'websocket', 'websocket'],
    ['GET /api/v1/namespaces/a/services/b/proxy/ws', 'SPDY/3.1', null],
    ['GET /api/v1/pods', 'websocket', null],
    ['GET /', 'websocket', null],
    ['GET /api/v1/namespaces/a/pods/b/exec', 'h2c', null],
    ['GET /api/v1/namespaces/a/pods/b/exec', 'websocket, h2c', null],
    ['GET /api/v1/namespaces/a/pods/b/exec', 'TLS/1.0', null],
    ['GET /api/v1/namespaces/a/pods/b/exec', '', null],
  ])('%s to "%s": %s', (line, upgrade, wanted) => {
    const result = upgradeOf(parse(line), upgrade);
    expect(typeof result === 'string' ? result : null).toBe(wanted);
  });
});

test('bodies that write Secrets are read, others are not', () => {
  expect(mustInspectBody(parse('POST /api/v1/namespaces/a/secrets'))).toBe(true);
  expect(mustInspectBody(parse('PATCH /api/v1/namespaces/a/secrets/b'))).toBe(true);
  expect(mustInspectBody(parse('PUT /api/v1/namespaces/a/secrets/b'))).toBe(true);
  expect(mustInspectBody(parse('GET /api/v1/namespaces/a/secrets/b'))).toBe(false);
  expect(mustInspectBody(parse('POST /api/v1/namespaces/a/configmaps'))).toBe(false);
});
