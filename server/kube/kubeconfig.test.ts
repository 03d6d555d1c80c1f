import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { parseAuthorities, parseKubeconfig, parseServer } from './kubeconfig.ts';

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const base64 = (text: string) => Buffer.from(text).toString('base64');

function kubeconfig(cluster: Record<string, unknown>, user: Record<string, unknown>): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'main',
    contexts: [
      { name: 'main', context: { cluster: 'c', user: 'u' } },
      { name: 'broken', context: { cluster: 'nowhere', user: 'u' } },
    ],
    clusters: [{ name: 'c', cluster: { server: 'https://k.example:6443', ...cluster } }],
    users: [{ name: 'u', user }],
  });
}

describe('taken', () => {
  test('a token', () => {
    const ca = { 'certificate-authority-data': base64(CERTIFICATE), 'tls-server-name': 'kubernetes' };
    expect(parseKubeconfig(kubeconfig(ca, { token: 't' }))).toEqual({
      context: 'main',
      address: { server: 'https://k.example:6443', ca: CERTIFICATE, tlsServerName: 'kubernetes' },
      credential: { kind: 'token', token: 't' },
    });
  });

  test('an embedded client certificate', () => {
    const user = {
      'client-certificate-data': base64(CERTIFICATE),
      'client-key-data': base64('-----BEGIN PRIVATE KEY-----'),
    };
    expect(parseKubeconfig(kubeconfig({}, user)).credential.kind).toBe('certificate');
  });

  test('insecure-skip-tls-verify: false says nothing', () => {
    expect(parseKubeconfig(kubeconfig({ 'insecure-skip-tls-verify': false }, { token: 't' })).address.ca).toBe('');
  });
});

describe('refused by the name of the field (Flux GHSA-vvmq-fwmg-2gjc)', () => {
  test.each([
    ['exec', {}, { exec: { command: 'sh', args: ['-c', 'id'] }, token: 't' }],
    ['auth-provider', {}, { 'auth-provider': { name: 'gcp' } }],
    ['tokenFile', {}, { tokenFile: '/etc/passwd' }],
    ['client-certificate', {}, { 'client-certificate': '/a', 'client-key-data': 'x' }],
    ['client-key', {}, { 'client-key': '/a' }],
    ['username', {}, { username: 'a', password: 'b' }],
    ['as', {}, { token: 't', as: 'system:admin' }],
    ['as-groups', {}, { token: 't', 'as-groups': ['system:masters'] }],
    ['certificate-authority', { 'certificate-authority': '/etc/ssl/ca.pem' }, { token: 't' }],
    ['insecure-skip-tls-verify', { 'insecure-skip-tls-verify': true }, { token: 't' }],
    ['proxy-url', { 'proxy-url': 'http://evil' }, { token: 't' }],
  ])('%s', (field, cluster, user) => {
    expect(() => parseKubeconfig(kubeconfig(cluster, user))).toThrow(
      expect.objectContaining({ code: 'kubeconfig-refused', meta: { field }, message: expect.stringContaining(field) }),
    );
  });
});

describe('not a kubeconfig that says who and where', () => {
  test.each([
    ['no YAML', '{{', undefined],
    ['a list', '[]', undefined],
    ['empty', '', undefined],
    ['no current context', 'contexts: []', undefined],
    ['an unknown context', kubeconfig({}, { token: 't' }), 'other'],
    ['a context without its cluster', kubeconfig({}, { token: 't' }), 'broken'],
    ['a user without a proof', kubeconfig({}, {}), undefined],
    ['plain http', kubeconfig({ server: 'http://k.example' }, { token: 't' }), undefined],
    ['credentials in the address', kubeconfig({ server: 'https://a:b@k.example' }, { token: 't' }), undefined],
    ['authorities that are none', kubeconfig({ 'certificate-authority-data': base64('x') }, { token: 't' }), undefined],
    ['aliases without end', 'a: &a [x]\nb: [*a, *a]\n', undefined],
  ])('%s', (_, text, context) => {
    expect(() => parseKubeconfig(text, context)).toThrow(expect.objectContaining({ code: 'kubeconfig-invalid' }));
  });
});

test('servers and authorities', () => {
  expect(parseServer('https://k.example/path/')).toBe('https://k.example/path');
  expect(() => parseServer('file:///etc/passwd')).toThrow('https');
  expect(() => parseServer('https://k.example/?x=1')).toThrow('query');
  expect(parseAuthorities('')).toBe('');
  expect(parseAuthorities(`${CERTIFICATE}${CERTIFICATE}`)).toContain('BEGIN');
  expect(() => parseAuthorities('-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----')).toThrow('PEM');
});
