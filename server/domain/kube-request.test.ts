import { describe, expect, test } from 'vitest';
import { parseKubeRequest } from './kube-request.ts';

/**
 * What RequestInfoFactory of k8s.io/apiserver v0.36.3 made of each request when it was run on this table: is it for a
 * resource, verb, group, version, namespace, resource, subresource, name; null where it answered an error.
 */
const table: [string, [boolean, string, string, string, string, string, string, string] | null][] = [
  ['GET /', [false, 'get', '', '', '', '', '', '']],
  ['GET /api', [false, 'get', '', '', '', '', '', '']],
  ['GET /api/', [false, 'get', '', '', '', '', '', '']],
  ['GET /apis', [false, 'get', '', '', '', '', '', '']],
  ['GET /api/v1', [false, 'get', '', '', '', '', '', '']],
  ['GET /apis/apps', [false, 'get', '', '', '', '', '', '']],
  ['GET /apis/apps/v1', [false, 'get', '', '', '', '', '', '']],
  ['GET /version', [false, 'get', '', '', '', '', '', '']],
  ['GET /healthz', [false, 'get', '', '', '', '', '', '']],
  ['GET /livez/ping', [false, 'get', '', '', '', '', '', '']],
  ['GET /openapi/v2', [false, 'get', '', '', '', '', '', '']],
  ['GET /openapi/v3/apis/apps/v1', [false, 'get', '', '', '', '', '', '']],
  ['GET /metrics', [false, 'get', '', '', '', '', '', '']],
  ['POST /metrics', [false, 'post', '', '', '', '', '', '']],
  ['OPTIONS /api/v1', [false, 'options', '', '', '', '', '', '']],
  ['GET /apis/metrics.k8s.io/v1beta1', [false, 'get', '', '', '', '', '', '']],
  ['GET /api/v1/pods', [true, 'list', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods/', [true, 'list', '', 'v1', '', 'pods', '', '']],
  ['HEAD /api/v1/pods', [true, 'list', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?watch=true', [true, 'watch', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?watch=1', [true, 'watch', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?watch', [true, 'watch', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?watch=', [true, 'watch', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?watch=TRUE', [true, 'watch', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?watch=false', [true, 'list', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?watch=0', [true, 'list', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?watch=False', [true, 'list', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?watch=no', [true, 'watch', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?watch=0&watch=1', [true, 'list', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?watch=1&watch=0', [true, 'watch', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?limit=abc&watch=1', [true, 'watch', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?limit=abc&fieldSelector=metadata.name%3Dx', [true, 'list', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?limit=500&continue=abc', [true, 'list', '', 'v1', '', 'pods', '', '']],
  [
    'GET /api/v1/pods?limit=99999999999999999999&fieldSelector=metadata.name%3Dx',
    [true, 'list', '', 'v1', '', 'pods', '', ''],
  ],
  ['GET /api/v1/pods?limit=&fieldSelector=metadata.name%3Dx', [true, 'list', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?timeoutSeconds=x&fieldSelector=metadata.name%3Dx', [true, 'list', '', 'v1', '', 'pods', '', '']],
  [
    'GET /api/v1/namespaces/default/pods?fieldSelector=metadata.name%3Dweb',
    [true, 'list', '', 'v1', 'default', 'pods', '', 'web'],
  ],
  [
    'GET /api/v1/namespaces/default/pods?fieldSelector=metadata.name%3D%3Dweb',
    [true, 'list', '', 'v1', 'default', 'pods', '', 'web'],
  ],
  [
    'GET /api/v1/namespaces/default/pods?fieldSelector=metadata.name!%3Dweb',
    [true, 'list', '', 'v1', 'default', 'pods', '', ''],
  ],
  [
    'GET /api/v1/namespaces/default/pods?fieldSelector=metadata.name%3Da,metadata.name%3Db',
    [true, 'list', '', 'v1', 'default', 'pods', '', 'a'],
  ],
  [
    'GET /api/v1/namespaces/default/pods?fieldSelector=status.phase%3DRunning,metadata.name%3Dweb',
    [true, 'list', '', 'v1', 'default', 'pods', '', 'web'],
  ],
  ['GET /api/v1/namespaces/default/pods?fieldSelector=nonsense', [true, 'list', '', 'v1', 'default', 'pods', '', '']],
  [
    'GET /api/v1/namespaces/default/pods?fieldSelector=metadata.name%3D..',
    [true, 'list', '', 'v1', 'default', 'pods', '', ''],
  ],
  [
    'GET /api/v1/namespaces/default/pods?fieldSelector=metadata.name%3Dweb&watch=true',
    [true, 'watch', '', 'v1', 'default', 'pods', '', 'web'],
  ],
  ['GET /api/v1/namespaces/default/pods?fieldSelector=', [true, 'list', '', 'v1', 'default', 'pods', '', '']],
  [
    'GET /api/v1/namespaces/default/pods?fieldSelector=metadata.name%3Da%5C%2Cb',
    [true, 'list', '', 'v1', 'default', 'pods', '', 'a,b'],
  ],
  ['GET /api/v1/namespaces/default/pods/web', [true, 'get', '', 'v1', 'default', 'pods', '', 'web']],
  ['GET /api/v1/namespaces/default/pods/web?watch=true', [true, 'get', '', 'v1', 'default', 'pods', '', 'web']],
  ['GET /api/v1/namespaces/default/pods/web/log?follow=true', [true, 'get', '', 'v1', 'default', 'pods', 'log', 'web']],
  ['GET /api/v1/namespaces/default/pods/web/status', [true, 'get', '', 'v1', 'default', 'pods', 'status', 'web']],
  ['POST /api/v1/namespaces/default/pods', [true, 'create', '', 'v1', 'default', 'pods', '', '']],
  ['PUT /api/v1/namespaces/default/pods/web', [true, 'update', '', 'v1', 'default', 'pods', '', 'web']],
  ['PATCH /api/v1/namespaces/default/pods/web', [true, 'patch', '', 'v1', 'default', 'pods', '', 'web']],
  ['DELETE /api/v1/namespaces/default/pods/web', [true, 'delete', '', 'v1', 'default', 'pods', '', 'web']],
  ['DELETE /api/v1/namespaces/default/pods', [true, 'deletecollection', '', 'v1', 'default', 'pods', '', '']],
  [
    'DELETE /api/v1/namespaces/default/pods?fieldSelector=metadata.name%3Dweb',
    [true, 'deletecollection', '', 'v1', 'default', 'pods', '', ''],
  ],
  ['DELETE /api/v1/pods', [true, 'deletecollection', '', 'v1', '', 'pods', '', '']],
  [
    'POST /api/v1/namespaces/default/pods/web/exec?command=sh&stdin=true',
    [true, 'create', '', 'v1', 'default', 'pods', 'exec', 'web'],
  ],
  [
    'GET /api/v1/namespaces/default/pods/web/exec?command=sh',
    [true, 'get', '', 'v1', 'default', 'pods', 'exec', 'web'],
  ],
  ['GET /api/v1/namespaces/default/pods/web/attach', [true, 'get', '', 'v1', 'default', 'pods', 'attach', 'web']],
  [
    'POST /api/v1/namespaces/default/pods/web/portforward',
    [true, 'create', '', 'v1', 'default', 'pods', 'portforward', 'web'],
  ],
  [
    'GET /api/v1/namespaces/default/pods/web/portforward',
    [true, 'get', '', 'v1', 'default', 'pods', 'portforward', 'web'],
  ],
  [
    'PATCH /api/v1/namespaces/default/pods/web/ephemeralcontainers',
    [true, 'patch', '', 'v1', 'default', 'pods', 'ephemeralcontainers', 'web'],
  ],
  [
    'POST /api/v1/namespaces/default/pods/web/eviction',
    [true, 'create', '', 'v1', 'default', 'pods', 'eviction', 'web'],
  ],
  ['POST /api/v1/namespaces/default/pods/web/binding', [true, 'create', '', 'v1', 'default', 'pods', 'binding', 'web']],
  [
    'GET /api/v1/namespaces/default/pods/web:8080/proxy/index.html',
    [true, 'get', '', 'v1', 'default', 'pods', 'proxy', 'web:8080'],
  ],
  [
    'GET /api/v1/namespaces/default/services/https:web:443/proxy/a/b?watch=true',
    [true, 'get', '', 'v1', 'default', 'services', 'proxy', 'https:web:443'],
  ],
  [
    'POST /api/v1/namespaces/default/services/web/proxy',
    [true, 'create', '', 'v1', 'default', 'services', 'proxy', 'web'],
  ],
  ['GET /api/v1/nodes/node-1/proxy/pods', [true, 'get', '', 'v1', '', 'nodes', 'proxy', 'node-1']],
  ['GET /api/v1/nodes/node-1', [true, 'get', '', 'v1', '', 'nodes', '', 'node-1']],
  ['GET /api/v1/namespaces', [true, 'list', '', 'v1', '', 'namespaces', '', '']],
  ['GET /api/v1/namespaces?watch=true', [true, 'watch', '', 'v1', '', 'namespaces', '', '']],
  ['GET /api/v1/namespaces/default', [true, 'get', '', 'v1', 'default', 'namespaces', '', 'default']],
  ['POST /api/v1/namespaces', [true, 'create', '', 'v1', '', 'namespaces', '', '']],
  ['DELETE /api/v1/namespaces/default', [true, 'delete', '', 'v1', 'default', 'namespaces', '', 'default']],
  [
    'PUT /api/v1/namespaces/default/finalize',
    [true, 'update', '', 'v1', 'default', 'namespaces', 'finalize', 'default'],
  ],
  ['PATCH /api/v1/namespaces/default/status', [true, 'patch', '', 'v1', 'default', 'namespaces', 'status', 'default']],
  ['GET /api/v1/namespaces/status', [true, 'get', '', 'v1', 'status', 'namespaces', '', 'status']],
  ['GET /api/v1/namespaces/status/pods', [true, 'list', '', 'v1', 'status', 'pods', '', '']],
  ['GET /api/v1/namespaces/default/status/x', [true, 'get', '', 'v1', 'default', 'namespaces', 'status', 'default']],
  ['GET /api/v1/watch/pods', [true, 'watch', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/watch/namespaces/default/pods', [true, 'watch', '', 'v1', 'default', 'pods', '', '']],
  ['GET /api/v1/watch/namespaces/default/pods/web', [true, 'watch', '', 'v1', 'default', 'pods', '', 'web']],
  ['GET /api/v1/watch/namespaces', [true, 'watch', '', 'v1', '', 'namespaces', '', '']],
  ['DELETE /api/v1/watch/namespaces/default/pods', [true, 'watch', '', 'v1', 'default', 'pods', '', '']],
  ['GET /api/v1/watch', null],
  ['GET /api/v1/proxy/namespaces/default/pods/web/x/y', [true, 'proxy', '', 'v1', 'default', 'pods', '', 'web']],
  ['GET /api/v1/proxy/nodes/node-1/logs', [true, 'proxy', '', 'v1', '', 'nodes', '', 'node-1']],
  ['GET /api/v1/proxy', null],
  ['GET /apis/apps/v1/deployments', [true, 'list', 'apps', 'v1', '', 'deployments', '', '']],
  [
    'GET /apis/apps/v1/namespaces/default/deployments/web',
    [true, 'get', 'apps', 'v1', 'default', 'deployments', '', 'web'],
  ],
  [
    'PATCH /apis/apps/v1/namespaces/default/deployments/web/scale',
    [true, 'patch', 'apps', 'v1', 'default', 'deployments', 'scale', 'web'],
  ],
  [
    'PUT /apis/apps/v1/namespaces/default/deployments/web/scale',
    [true, 'update', 'apps', 'v1', 'default', 'deployments', 'scale', 'web'],
  ],
  [
    'DELETE /apis/apps/v1/namespaces/default/deployments',
    [true, 'deletecollection', 'apps', 'v1', 'default', 'deployments', '', ''],
  ],
  [
    'GET /apis/apps/v1/watch/namespaces/default/deployments',
    [true, 'watch', 'apps', 'v1', 'default', 'deployments', '', ''],
  ],
  [
    'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    [true, 'create', 'authorization.k8s.io', 'v1', '', 'selfsubjectaccessreviews', '', ''],
  ],
  [
    'POST /apis/authentication.k8s.io/v1/tokenreviews',
    [true, 'create', 'authentication.k8s.io', 'v1', '', 'tokenreviews', '', ''],
  ],
  [
    'POST /api/v1/namespaces/default/serviceaccounts/default/token',
    [true, 'create', '', 'v1', 'default', 'serviceaccounts', 'token', 'default'],
  ],
  ['POST /api/v1/namespaces/default/secrets', [true, 'create', '', 'v1', 'default', 'secrets', '', '']],
  ['GET /api/v1/secrets', [true, 'list', '', 'v1', '', 'secrets', '', '']],
  [
    'POST /apis/certificates.k8s.io/v1/certificatesigningrequests',
    [true, 'create', 'certificates.k8s.io', 'v1', '', 'certificatesigningrequests', '', ''],
  ],
  [
    'PUT /apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval',
    [true, 'update', 'certificates.k8s.io', 'v1', '', 'certificatesigningrequests', 'approval', 'x'],
  ],
  [
    'POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    [true, 'create', 'rbac.authorization.k8s.io', 'v1', '', 'clusterrolebindings', '', ''],
  ],
  [
    'GET /apis/rbac.authorization.k8s.io/v1/clusterroles/system:node',
    [true, 'get', 'rbac.authorization.k8s.io', 'v1', '', 'clusterroles', '', 'system:node'],
  ],
  [
    'DELETE /apis/rbac.authorization.k8s.io/v1/clusterroles/a%20b',
    [true, 'delete', 'rbac.authorization.k8s.io', 'v1', '', 'clusterroles', '', 'a b'],
  ],
  [
    'GET /apis/example.com/v1alpha1/namespaces/team-a/widgets/one/status',
    [true, 'get', 'example.com', 'v1alpha1', 'team-a', 'widgets', 'status', 'one'],
  ],
  [
    'PATCH /apis/example.com/v1alpha1/widgets/one',
    [true, 'patch', 'example.com', 'v1alpha1', '', 'widgets', '', 'one'],
  ],
  ['OPTIONS /api/v1/namespaces/default/pods', [true, '', '', 'v1', 'default', 'pods', '', '']],
  ['OPTIONS /api/v1/namespaces/default/pods/web', [true, '', '', 'v1', 'default', 'pods', '', 'web']],
  ['HEAD /api/v1/namespaces/default/pods/web', [true, 'get', '', 'v1', 'default', 'pods', '', 'web']],
  ['GET /API/v1/pods', [false, 'get', '', '', '', '', '', '']],
  ['GET /api/V1/pods', [true, 'list', '', 'V1', '', 'pods', '', '']],
  ['GET /api/v1/Pods', [true, 'list', '', 'v1', '', 'Pods', '', '']],
  ['GET /api/v1/namespaces/default/Pods/Web/Exec', [true, 'get', '', 'v1', 'default', 'Pods', 'Exec', 'Web']],
  ['GET /apis/apps', [false, 'get', '', '', '', '', '', '']],
  ['GET /apis/apps/v1/', [false, 'get', '', '', '', '', '', '']],
  ['GET /api/v1/namespaces/', [true, 'list', '', 'v1', '', 'namespaces', '', '']],
  ['GET /api/v1/componentstatuses', [true, 'list', '', 'v1', '', 'componentstatuses', '', '']],
  ['GET /logs/', [false, 'get', '', '', '', '', '', '']],
  ['GET /.well-known/openid-configuration', [false, 'get', '', '', '', '', '', '']],
  ['GET /openid/v1/jwks', [false, 'get', '', '', '', '', '', '']],
  ['GET /k8s/demo/api/v1/pods', [false, 'get', '', '', '', '', '', '']],
  ['DELETE /api/v1/namespaces/default/pods/', [true, 'deletecollection', '', 'v1', 'default', 'pods', '', '']],
  [
    'GET /api/v1/namespaces/default/pods?resourceVersion=0&resourceVersionMatch=NotOlderThan&sendInitialEvents=true&watch=true',
    [true, 'watch', '', 'v1', 'default', 'pods', '', ''],
  ],
  [
    'GET /api/v1/namespaces/default/pods?labelSelector=app%3Dweb%2Ctier+in+(a%2Cb)',
    [true, 'list', '', 'v1', 'default', 'pods', '', ''],
  ],
  [
    'GET /api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dweb',
    [true, 'list', '', 'v1', 'default', 'events', '', ''],
  ],
  ['PATCH /api/v1/nodes/node-1/status', [true, 'patch', '', 'v1', '', 'nodes', 'status', 'node-1']],
  ['PATCH /api/v1/namespaces/default/pods/web/resize', [true, 'patch', '', 'v1', 'default', 'pods', 'resize', 'web']],
  ['GET /api/v1/namespaces/namespaces', [true, 'get', '', 'v1', 'namespaces', 'namespaces', '', 'namespaces']],
  ['GET /api/v1/namespaces/namespaces/namespaces', [true, 'list', '', 'v1', 'namespaces', 'namespaces', '', '']],
  ['GET /api/v1/namespaces/watch/pods', [true, 'list', '', 'v1', 'watch', 'pods', '', '']],
  ['GET /apis/api/v1/pods', [true, 'list', 'api', 'v1', '', 'pods', '', '']],
  ['GET /api/api/v1/pods', [true, 'get', '', 'api', '', 'v1', '', 'pods']],
  ['GET /api/v1/pods?%77atch=1', [true, 'watch', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?limit=+5&fieldSelector=metadata.name%3Dx', [true, 'list', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?limit=-5&fieldSelector=metadata.name%3Dx', [true, 'list', '', 'v1', '', 'pods', '', 'x']],
  ['GET /api/v1/pods?timeoutSeconds=5&fieldSelector=metadata.name%3Dx', [true, 'list', '', 'v1', '', 'pods', '', 'x']],
  [
    'GET /api/v1/pods?limit=9223372036854775807&fieldSelector=metadata.name%3Dx',
    [true, 'list', '', 'v1', '', 'pods', '', 'x'],
  ],
  [
    'GET /api/v1/pods?limit=9223372036854775808&fieldSelector=metadata.name%3Dx',
    [true, 'list', '', 'v1', '', 'pods', '', ''],
  ],
  ['GET /api/v1/pods?fieldSelector=,metadata.name%3Dx', [true, 'list', '', 'v1', '', 'pods', '', 'x']],
  ['GET /api/v1/pods?fieldSelector=metadata.name+%3Dx', [true, 'list', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?fieldSelector=metadata.name%3D', [true, 'list', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?fieldSelector=metadata.name%3Da%3Db', [true, 'list', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?fieldSelector=metadata.name%3Da%5C%3Db', [true, 'list', '', 'v1', '', 'pods', '', 'a=b']],
  ['GET /api/v1/pods?fieldSelector=metadata.name%3D%3D%3Da', [true, 'list', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?limit=1&limit=x&fieldSelector=metadata.name%3Dx', [true, 'list', '', 'v1', '', 'pods', '', 'x']],
  ['GET /api/v1/pods?timeoutSeconds=&fieldSelector=metadata.name%3Dx', [true, 'list', '', 'v1', '', 'pods', '', '']],
  ['GET /api/v1/pods?fieldSelector=a%3Db,c', [true, 'list', '', 'v1', '', 'pods', '', '']],
];

describe("as Kubernetes' own RequestInfoFactory reads it", () => {
  test.each(table)('%s', (line, wanted) => {
    const [method, target] = line.split(' ') as [string, string];
    const r = parseKubeRequest(method, target);
    const got =
      'refused' in r
        ? null
        : [r.isResource, r.verb, r.group, r.version, r.namespace, r.resource, r.subresource, r.name];
    expect(got).toEqual(wanted);
  });
});

describe('one spelling for each path: everything else is refused', () => {
  test.each([
    // Absolute form and authority form: the proxy would be asked to go elsewhere (RFC 9112, 3.2.2).
    ['GET', 'http://169.254.169.254/latest/meta-data', 400],
    ['GET', 'https://other.example/api/v1/secrets', 400],
    ['GET', '*', 400],
    ['GET', 'api/v1/pods', 400],
    ['GET', '', 400],
    ['CONNECT', '127.0.0.1:6443', 405],
    ['TRACE', '/api/v1/pods', 405],
    ['PROPFIND', '/api/v1/pods', 405],
    ['get', '/api/v1/pods', 405],
    // Dot segments, plain and encoded (CVE-2018-18264's kin: authorised here, served there).
    ['GET', '/api/v1/namespaces/mine/pods/../../../secrets', 400],
    ['GET', '/api/v1/./secrets', 400],
    ['GET', '/api/v1/namespaces/mine/%2e%2e/secrets', 400],
    ['GET', '/api/v1/namespaces/mine/.%2E/secrets', 400],
    ['GET', '/..', 400],
    ['GET', '/api/v1/namespaces/mine/services/web/proxy/..', 400],
    // Encoded separators (Go splits the decoded path, others the raw one).
    ['GET', '/api/v1/namespaces/mine%2Fsecrets', 400],
    ['GET', '/api/v1/namespaces/mine%2fpods%2f..%2f..%2fsecrets', 400],
    ['GET', '/api/v1/namespaces/mine%5C..%5Csecrets', 400],
    ['GET', '/api/v1/namespaces\\mine', 400],
    ['GET', '/api/v1/namespaces/mine/pods/a%252Fb', 400],
    ['GET', '/api/v1/%25%32%66secrets', 400],
    // Empty segments.
    ['GET', '//api/v1/secrets', 400],
    ['GET', '/api//v1/secrets', 400],
    ['GET', '/api/v1/namespaces//secrets', 400],
    ['GET', '/api/v1/namespaces/mine//secrets', 400],
    ['GET', '/api/v1/pods//', 400],
    // Control characters, header injection, bytes beyond ASCII, overlong UTF-8.
    ['GET', '/api/v1/pods%00', 400],
    ['GET', '/api/v1/pods%0d%0aImpersonate-User:%20root', 400],
    ['GET', '/api/v1/pods\u0001', 400],
    ['GET', '/api/v1/pods%7f', 400],
    ['GET', '/api/v1/pods\u00e9', 400],
    ['GET', '/api/v1/%c0%ae%c0%ae/secrets', 400],
    ['GET', '/api/v1/%ff', 400],
    ['GET', '/api/v1/pods%', 400],
    ['GET', '/api/v1/pods%2', 400],
    ['GET', '/api/v1/pods%zz', 400],
    ['GET', '/api/v1/pods#fragment', 400],
    ['GET', '/api/v1/po ds', 400],
    // Queries that two servers split in their own ways.
    ['GET', '/api/v1/pods?a=1;watch=1', 400],
    ['GET', '/api/v1/pods?watch=%', 400],
    ['GET', '/api/v1/pods?x=\u0000', 400],
    ['GET', '/api/v1/pods?x=%ff', 400],
    ['GET', '/api/v1/pods?x=a#b', 400],
    // Bounds.
    ['GET', `/${'a'.repeat(9000)}`, 400],
    ['GET', `/api?${'a'.repeat(40_000)}`, 400],
  ])('%s %s', (method, target, status) => {
    const result = parseKubeRequest(method, target);
    expect('refused' in result && result.refused.status).toBe(status);
  });

  test('what is sent is written anew from what was decided on', () => {
    const path = (target: string) => {
      const result = parseKubeRequest('GET', target);
      return 'refused' in result ? null : result.path + result.query;
    };
    expect(path('/api/v1/%70ods?limit=1&watch=%31')).toBe('/api/v1/pods?limit=1&watch=%31');
    expect(path('/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode')).toBe(
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node',
    );
    expect(path('/api/v1/namespaces/a/services/https:web:443/proxy/a%20b/')).toBe(
      '/api/v1/namespaces/a/services/https:web:443/proxy/a%20b/',
    );
  });
});
