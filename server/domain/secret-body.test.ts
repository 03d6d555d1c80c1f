import { expect, test } from 'vitest';
import { secretBodyRefusal } from './secret-body.ts';

const type = 'kubernetes.io/service-account-token';

test.each([
  ['application/json', '', '{"kind":"Secret","type":"Opaque","data":{}}', null],
  ['application/json', '', '{"type":"helm.sh/release.v1"}', null],
  ['', '', '{"type":"Opaque"}', null],
  ['application/json; charset=utf-8', 'identity', '{}', null],
  ['application/json', '', `{"type":"${type}"}`, 'token-minting-refused'],
  ['Application/JSON', '', `{"type":"${type}"}`, 'token-minting-refused'],
  ['application/json', '', `{"type":"Opaque","type":"${type}"}`, 'token-minting-refused'],
  ['application/json', '', `{"type":"\\u006bubernetes.io/service-account-token"}`, 'token-minting-refused'],
  ['application/json', '', `{"type":"\\u006Bubernetes.io\\/service-account-token"}`, 'token-minting-refused'],
  ['application/json', '', `{"type":"kubernetes.io\\u002fservice-account-token"}`, 'token-minting-refused'],
  ['application/apply-patch+yaml', '', `{"type":"${type}"}`, 'token-minting-refused'],
  ['application/json-patch+json', '', `[{"op":"add","path":"/type","value":"${type}"}]`, 'token-minting-refused'],
  ['application/vnd.kubernetes.protobuf', '', `k8s\0\x0a\x23${type}`, 'token-minting-refused'],
  ['application/vnd.kubernetes.protobuf', '', 'k8s\0\x0a\x06Opaque', null],
  ['', '', `{"type":"${type}"}`, 'token-minting-refused'],
  // A bootstrap token (kubeadm, k3s) is a credential of its own, whose groups its maker chooses.
  ['application/json', '', '{"type":"bootstrap.kubernetes.io/token"}', 'token-minting-refused'],
  ['application/json', '', '{"type":"bootstrap.kubernetes.io\\/token"}', 'token-minting-refused'],
  ['application/vnd.kubernetes.protobuf', '', 'k8s\0\x0a\x1dbootstrap.kubernetes.io/token', 'token-minting-refused'],
  // YAML can spell a string in ways that only a YAML parser sees.
  ['application/yaml', '', `type: ${type}`, 'secret-body-unreadable'],
  ['application/yaml', '', 'type: "\\x6bubernetes.io/service-account-token"', 'secret-body-unreadable'],
  [
    'application/apply-patch+yaml',
    '',
    'type: !!binary a3ViZXJuZXRlcy5pby9zZXJ2aWNlLWFjY291bnQtdG9rZW4=',
    'secret-body-unreadable',
  ],
  ['application/apply-patch+cbor', '', '{}', 'secret-body-unreadable'],
  ['application/cbor', '', '{}', 'secret-body-unreadable'],
  ['application/json', 'gzip', '{}', 'secret-body-unreadable'],
  ['application/json', '', '', 'secret-body-unreadable'],
])('%s %s %s: %s', (contentType, encoding, body, code) => {
  expect(secretBodyRefusal(contentType, encoding, body)?.code ?? null).toBe(code);
});
