import { expect, test } from 'vitest';
import { forwardedRequestHeaders, forwardedResponseHeaders, headerRefusal, impersonated } from './forwarded-headers.ts';
import { headerBytes, impersonationHeaders } from './impersonation.ts';

test.each([
  [['Impersonate-User', 'root'], 'impersonation-refused'],
  [['impersonate-user', 'root'], 'impersonation-refused'],
  [['IMPERSONATE-GROUP', 'system:masters'], 'impersonation-refused'],
  [['Impersonate-Uid', '1'], 'impersonation-refused'],
  [['Impersonate-Extra-scopes', 'x'], 'impersonation-refused'],
  // Rancher CVE-2021-31999: every spelling, wherever it stands.
  [['Impersonate_User', 'root'], 'impersonation-refused'],
  [['Accept', '*/*', 'ImPeRsOnAtE-UsEr', ''], 'impersonation-refused'],
  [['Connection', 'Impersonate-User', 'Impersonate-User', 'root'], 'impersonation-refused'],
  [['X-HTTP-Method-Override', 'DELETE'], 'method-override-refused'],
  [['X-Http-Method', 'DELETE'], 'method-override-refused'],
  [['X-Method-Override', 'DELETE'], 'method-override-refused'],
  [['X-Original-URL', '/api/v1/secrets'], 'method-override-refused'],
  [['X-Rewrite-Url', '/api/v1/secrets'], 'method-override-refused'],
  [['Sec-WebSocket-Protocol', 'v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.YWJj'], 'credential-refused'],
  [['Transfer-Encoding', 'gzip, chunked'], 'bad-framing'],
  [['Transfer-Encoding', 'chunked'], null],
  [['Sec-WebSocket-Protocol', 'v5.channel.k8s.io'], null],
  [['Accept', 'application/json'], null],
])('%j: %s', (raw, code) => {
  expect(headerRefusal(raw, { impersonateUsers: [], impersonateGroups: [] })?.code ?? null).toBe(code);
});

test.each([
  [['Impersonate-User', 'bot-1'], null],
  [['Impersonate-User', 'bot-1', 'Impersonate-Group', 'bots'], null],
  [['Impersonate-User', 'ann'], 'impersonation-refused'],
  [['Impersonate-User', 'bot-1', 'Impersonate-Group', 'admins'], 'impersonation-refused'],
  [['Impersonate-Group', 'bots'], 'impersonation-refused'],
  // security.md: nobody of the system's, even where a glob covers it.
  [['Impersonate-User', 'system:admin'], 'impersonation-refused'],
  [['Impersonate-User', 'bot-1', 'Impersonate-Group', 'system:masters'], 'impersonation-refused'],
  [['Impersonate-User', 'bot-1', 'Impersonate-Group', ' System:Masters'], 'impersonation-refused'],
  [['Impersonate-User', 'bot-1', 'Impersonate-User', 'bot-2'], 'impersonation-refused'],
  [['Impersonate-User', 'bot-1', 'Impersonate-Uid', '1'], 'impersonation-refused'],
  [['Impersonate-User', 'bot-1', 'Impersonate-Extra-scopes', 'x'], 'impersonation-refused'],
  [['Impersonate_User', 'bot-1'], 'impersonation-refused'],
])('where a role names bot-* and groups: %j: %s', (raw, code) => {
  const may = { impersonateUsers: ['bot-*', 'system:*'], impersonateGroups: ['bots', '*:*'] };
  expect(headerRefusal(raw, may)?.code ?? null).toBe(code);
});

test('identity, framing and what Connection names stay here', () => {
  const raw = [
    ['Host', '127.0.0.1:6443'],
    ['Authorization', 'Bearer ours'],
    ['authorization', 'Bearer second'],
    ['Proxy-Authorization', 'Basic x'],
    ['Cookie', '__Host-sallyport_1=secret'],
    ['X-Remote-User', 'root'],
    ['x-remote-group', 'system:masters'],
    ['X-Remote-Extra-Scopes', 'x'],
    ['X_Remote_User', 'root'],
    ['X-Forwarded-For', '10.0.0.1'],
    ['X-Forwarded-Client-Cert', 'x'],
    ['Forwarded', 'for=1'],
    ['Audit-ID', 'theirs'],
    ['Traceparent', '00-1-1-01'],
    ['Expect', '100-continue'],
    ['TE', 'trailers'],
    ['Keep-Alive', 'timeout=5'],
    ['Connection', 'close, X-Secret-Hop, Accept'],
    ['X-Secret-Hop', '1'],
    ['Upgrade', 'websocket'],
    ['Transfer-Encoding', 'chunked'],
    ['Content-Type', 'application/json'],
    ['Accept', 'application/json'],
    ['Accept-Encoding', 'gzip'],
    ['User-Agent', 'kubectl'],
    ['Kubectl-Command', 'kubectl get'],
    ['X-Stream-Protocol-Version', 'v4.channel.k8s.io'],
    ['X-Stream-Protocol-Version', 'v3.channel.k8s.io'],
  ].flat();
  expect(forwardedRequestHeaders(raw)).toEqual(
    [
      ['content-type', 'application/json'],
      ['accept-encoding', 'gzip'],
      ['user-agent', 'kubectl'],
      ['kubectl-command', 'kubectl get'],
      ['x-stream-protocol-version', 'v4.channel.k8s.io'],
      ['x-stream-protocol-version', 'v3.channel.k8s.io'],
    ].flat(),
  );
});

test('Connection cannot take away the length that frames the body (Fabio CVE-2025-48865)', () => {
  expect(forwardedRequestHeaders(['Connection', 'content-length', 'Content-Length', '5'])).toEqual([
    'content-length',
    '5',
  ]);
});

test('answers keep their spelling and repeated headers, and lose what was for one connection', () => {
  expect(
    forwardedResponseHeaders([
      'Content-Type',
      'a',
      'Connection',
      'close, X-Hop',
      'X-Hop',
      '1',
      'Warning',
      '1',
      'Warning',
      '2',
      'Transfer-Encoding',
      'chunked',
      'Alt-Svc',
      'h3',
    ]),
  ).toEqual(['Content-Type', 'a', 'Warning', '1', 'Warning', '2']);
});

test('whom somebody acts as may have a name in any script, and arrives at the cluster as it left kubectl', () => {
  const raw = ['Impersonate-User', headerBytes('žofie'), 'Impersonate-Group', headerBytes('夜勤')];
  const as = impersonated(raw);
  expect(as).toEqual({ user: 'žofie', groups: ['夜勤'] });
  expect(headerRefusal(raw, { impersonateUsers: ['žof*'], impersonateGroups: ['夜勤'] })).toBeNull();
  expect(impersonationHeaders({ user: 'ann', uid: 'u', groups: [], sessionId: 's' }, as)).toEqual(
    expect.arrayContaining([headerBytes('žofie'), headerBytes('夜勤')]),
  );
});
