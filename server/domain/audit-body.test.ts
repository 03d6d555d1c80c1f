import { describe, expect, it } from 'vitest';
import { maskedBody } from './audit-body.ts';

const secrets = { group: '', resource: 'secrets' };
const pods = { group: '', resource: 'pods' };
const deployments = { group: 'apps', resource: 'deployments' };
/** What must not be found in what is kept. */
const HIDDEN = 'hunter2-horse';

describe('a Secret, however it is written', () => {
  it.each([
    ['created', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, stringData: { pw: HIDDEN } }],
    ['without a kind', { metadata: { name: 'db' }, data: { pw: HIDDEN } }],
    ['as a merge patch', { data: { pw: HIDDEN, old: null } }],
    ['as an unknown field', { dataa: { pw: HIDDEN }, more: HIDDEN, deep: [{ x: HIDDEN }] }],
    ['in an annotation', { metadata: { name: 'db', annotations: { note: HIDDEN } } }],
    ['in its kind’s place', { kind: { x: HIDDEN }, type: [HIDDEN] }],
    ['as a list', { kind: 'SecretList', items: [{ metadata: { name: 'a' }, data: { pw: HIDDEN } }] }],
    ['as a JSON Patch', [{ op: 'replace', path: '/data/pw', value: HIDDEN }]],
    ['as a JSON Patch of all', [{ op: 'add', path: '', value: { data: { pw: HIDDEN } } }]],
    ['as no object', HIDDEN],
    ['as a list of words', [HIDDEN, [HIDDEN]]],
  ])('%s', (_, body) => {
    expect(JSON.stringify(maskedBody(body, secrets))).not.toContain(HIDDEN);
  });

  it('is known by its kind where the address does not say it', () => {
    const body = {
      kind: 'List',
      items: [
        { kind: 'secret', data: { pw: HIDDEN } },
        { kind: 'SECRET', x: HIDDEN },
      ],
    };
    expect(JSON.stringify(maskedBody(body, { group: 'example', resource: 'bundles' }))).not.toContain(HIDDEN);
    const list = { kind: 'SecretList', items: [{ data: { pw: HIDDEN } }] };
    expect(JSON.stringify(maskedBody(list, { group: 'example', resource: 'bundles' }))).not.toContain(HIDDEN);
  });

  it('keeps which one it is, and the names of what it holds', () => {
    const body = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      immutable: true,
      metadata: { name: 'db', namespace: 'shop', labels: { app: 'web' }, annotations: { a: 'b' } },
      data: { user: 'YQ==', password: 'Yg==' },
    };
    expect(maskedBody(body, secrets)).toEqual({
      ...body,
      metadata: { ...body.metadata, annotations: { a: '***' } },
      data: { user: '***', password: '***' },
    });
  });

  it('has no value that survives, whatever its shape', () => {
    // A small generator of its own: shapes matter, not where they come from.
    let seed = 7;
    const random = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
    const shape = (depth: number): unknown => {
      const kind = random(depth > 4 ? 2 : 4);
      if (kind === 0) return `${HIDDEN}${random(1_000)}`;
      if (kind === 1) return random(1_000);
      if (kind === 2) return Array.from({ length: random(3) }, () => shape(depth + 1));
      const keys = ['data', 'stringData', 'metadata', 'kind', 'items', 'spec', 'value', 'path', 'x', '__proto__'];
      return Object.fromEntries(
        Array.from({ length: random(4) }, () => [keys[random(keys.length)]!, shape(depth + 1)]),
      );
    };
    for (let round = 0; round < 2_000; round++) {
      const body = shape(0);
      const kept = JSON.stringify(maskedBody(body, secrets)) ?? '';
      // Which one it is may be said: those fields are names.
      const named = JSON.stringify((body as { metadata?: unknown } | null)?.metadata ?? '');
      if (!named.includes(HIDDEN) && !/"(kind|path)":"hunter2/.test(JSON.stringify(body) ?? ''))
        expect(kept, JSON.stringify(body)).not.toContain(HIDDEN);
    }
  });
});

describe('another object', () => {
  const deployment = (container: object) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', annotations: {} },
    spec: { template: { spec: { containers: [{ name: 'web', image: 'web:1', ...container }] } } },
  });
  it.each([
    ['an environment', deployment({ env: [{ name: 'DB_PASSWORD', value: HIDDEN }] })],
    ['an environment, its token', deployment({ env: [{ value: HIDDEN, name: 'github-token' }] })],
    ['a command line', deployment({ args: [`--db-password=${HIDDEN}`] })],
    ['a command line in words', deployment({ command: ['run', '--token', HIDDEN] })],
    ['an address', deployment({ args: [`postgres://web:${HIDDEN}@db/web`] })],
    ['a field', deployment({ settings: { dbPassword: HIDDEN, client_secret: HIDDEN } })],
    [
      'what was applied last',
      { metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': HIDDEN } } },
    ],
    ['managed fields', { metadata: { managedFields: [{ x: HIDDEN }] } }],
    ['a file', { kind: 'ConfigMap', data: { 'app.ini': `[db]\npassword = ${HIDDEN}\n` } }],
    ['a file in JSON', { kind: 'ConfigMap', data: { 'app.json': `{"token": "${HIDDEN}"}` } }],
    ['a variable of any such name', deployment({ env: [{ name: 'SECRET_KEY_BASE', value: HIDDEN }] })],
    ['a header', deployment({ httpHeaders: [{ name: 'X-Auth-Token-V2', value: HIDDEN }] })],
    ['an object of credentials', { spec: { dbCredentials: { user: 'web', p: [HIDDEN] } } }],
    ['a name with more behind it', { spec: { passwordOld: HIDDEN } }],
    ['a JSON Patch of a variable’s value', [{ op: 'replace', path: '/spec/containers/0/env/3/value', value: HIDDEN }]],
    ['a JSON Patch of a command line', [{ op: 'add', path: '/spec/containers/0/args/-', value: HIDDEN }]],
    ['a JSON Patch of all of it', [{ op: 'replace', path: '/spec/containers/0/command', value: [HIDDEN] }]],
    ['a Secret within, its kind in other letters', { items: [{ Kind: 'SECRET', data: { a: HIDDEN } }] }],
    ['a binary file', { kind: 'ConfigMap', binaryData: { file: HIDDEN } }],
    ['a review of a token', { kind: 'TokenReview', spec: { token: HIDDEN } }],
    ['a private key', { data: { 'tls.key': `-----BEGIN PRIVATE KEY-----\n${HIDDEN}\n-----END PRIVATE KEY-----` } }],
    ['one deep down', Array.from({ length: 60 }).reduce<object>((inner) => ({ inner }), { x: HIDDEN })],
    ['a JSON Patch to it', [{ op: 'replace', path: '/spec/env/0/DB_PASSWORD', value: HIDDEN }]],
    [
      'a JSON Patch of what was applied',
      [{ op: 'add', path: '/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration', value: HIDDEN }],
    ],
    ['a JSON Patch without a path', [{ op: 'add', value: HIDDEN }]],
    ['what an operator names', { spec: { values: [{ dial: HIDDEN }] } }],
  ])('%s is masked', (_, body) => {
    const kept = JSON.stringify(maskedBody(body, deployments, ['spec.values.*.dial']));
    expect(kept).not.toContain(HIDDEN);
  });

  it('keeps everything else as it is', () => {
    const body = {
      ...deployment({
        env: [
          { name: 'LEVEL', value: 'debug' },
          { name: 'KEY', valueFrom: { secretKeyRef: { name: 'db', key: 'pw' } } },
        ],
        args: ['--verbose', 'serve'],
      }),
      tolerations: [{ key: 'a', operator: 'Exists' }],
      automountServiceAccountToken: false,
      replicas: 3,
      paused: null,
      volumes: [{ name: 'v', secret: { secretName: 'db' } }],
    };
    expect(maskedBody(body, deployments)).toEqual(body);
    const patch = [
      { op: 'replace', path: '/spec/replicas', value: 3 },
      { op: 'move', from: '/a', path: '/b' },
    ];
    expect(maskedBody(patch, deployments)).toEqual(patch);
    const gateway = { spec: { refs: [{ kind: 'Secret', group: '', name: 'tls' }], passwordSecretName: 'db' } };
    expect(maskedBody(gateway, pods)).toEqual(gateway);
    expect(maskedBody({ spec: { nodeName: 'a' } }, pods)).toEqual({ spec: { nodeName: 'a' } });
  });
});
