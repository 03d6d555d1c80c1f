import { describe, expect, it } from 'vitest';
import { type ApiPolicy, OPEN_POLICY } from './api-policy.ts';
import { type AccessReview, accessReviewed, needsServed, rulesReviewed, type RulesReview } from './self-review.ts';

const rules = (policy: Partial<ApiPolicy>) => ({
  portalNamespace: 'sallyport',
  role: 'viewer',
  policy: { ...OPEN_POLICY, ...policy },
});
const rule = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: [], names: [] };

describe('can-i', () => {
  /** `verb resource[.group][/subresource] [namespace/][name]`, or `verb /path`. */
  function asked(words: string, allowed = true): AccessReview {
    const [verb, what, where = ''] = words.split(' ') as [string, string, string?];
    const status = { allowed, reason: 'RBAC' };
    if (what.startsWith('/')) return { spec: { nonResourceAttributes: { path: what, verb } }, status };
    const [kind, subresource = ''] = what.split('/') as [string, string?];
    const [resource, ...group] = kind.split('.') as [string, ...string[]];
    const [namespace, name = ''] = where.includes('/') ? (where.split('/') as [string, string]) : [where];
    return {
      spec: { resourceAttributes: { verb, resource, subresource, group: group.join('.'), namespace, name } },
      status,
    };
  }
  const can = (words: string, policy: Partial<ApiPolicy>) => accessReviewed(asked(words), rules(policy)).status.allowed;

  it.each([
    ['get pods shop', {}, true],
    ['* *', {}, true],
    ['create serviceaccounts/token shop', {}, false],
    ['create serviceaccounts/token shop', { mintCredentials: true }, true],
    ['create certificatesigningrequests.certificates.k8s.io', {}, false],
    ['get nodes/proxy', {}, false],
    ['create pods sallyport', {}, false],
    ['impersonate users', {}, false],
    ['impersonate users', { impersonateUsers: ['bot'] }, true],
    ['get pods shop', { readOnly: true }, true],
    ['create pods shop', { readOnly: true }, false],
    ['create pods/exec shop', { readOnly: true }, false],
    ['get pods/exec shop', { readOnly: true }, false],
    ['use podsecuritypolicies.policy', { readOnly: true }, false],
    ['create pods/portforward shop', { connect: ['exec'] }, false],
    ['create pods/exec shop', { connect: ['exec'] }, true],
    [
      'get services/proxy shop/grafana',
      { proxyPaths: [{ methods: ['GET'], namespaces: ['shop'], names: [], path: '/d' }] },
      true,
    ],
    [
      'create services/proxy shop/grafana',
      { proxyPaths: [{ methods: ['GET'], namespaces: ['shop'], names: [], path: '/d' }] },
      false,
    ],
    ['* *', { readOnly: true }, false],
    ['get *', { secrets: 'none' }, false],
    ['get secrets shop', { secrets: 'none' }, false],
    ['get configmaps', { deny: [{ ...rule, namespaces: ['kube-*'] }] }, false],
    ['get configmaps shop', { deny: [{ ...rule, namespaces: ['kube-*'] }] }, true],
    ['get /metrics', { paths: [{ methods: ['GET'], path: '/healthz' }] }, false],
    ['get /healthz', { paths: [{ methods: ['GET'], path: '/healthz' }] }, true],
    ['post /metrics', { readOnly: true }, false],
    ['* /metrics', { readOnly: true }, false],
  ] as [string, Partial<ApiPolicy>, boolean][])('%s %j: %s', (words, policy, expected) => {
    expect(can(words, policy)).toBe(expected);
  });

  it('says why, and leaves the cluster’s own no alone', () => {
    const refused = accessReviewed(asked('create pods shop'), rules({ readOnly: true })).status;
    expect(refused).toMatchObject({ denied: true, reason: expect.stringContaining('"viewer" is read-only') });
    const own = asked('create pods shop', false);
    expect(accessReviewed(own, rules({ readOnly: true }))).toBe(own);
  });
});

describe('can-i --list', () => {
  const review = (resourceRules: RulesReview['status']['resourceRules'], urls: string[] = []): RulesReview => ({
    status: { resourceRules, nonResourceRules: [{ verbs: ['get'], nonResourceURLs: urls }], incomplete: false },
  });
  const all = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [] };
  const served = [
    { group: '', resource: 'pods' },
    { group: '', resource: 'pods/exec' },
    { group: '', resource: 'secrets' },
    { group: 'apps', resource: 'deployments' },
    { group: 'apps', resource: 'deployments/scale' },
  ];

  it('leaves alone what no role narrows', () => {
    const answer = review([all], ['*']);
    expect(rulesReviewed(answer, rules({}), 'shop', null)).toEqual(answer);
    expect(needsServed(answer, rules({}))).toBe(false);
  });

  it('spells wildcards out where a role refuses something, and never lists that', () => {
    const answer = review([all]);
    const policy = rules({ readOnly: true, secrets: 'none' });
    expect(needsServed(answer, policy)).toBe(true);
    const { status } = rulesReviewed(answer, policy, 'shop', served);
    expect(status.resourceRules).toEqual([
      { verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'], resourceNames: [] },
      {
        verbs: ['get', 'list', 'watch'],
        apiGroups: ['apps'],
        resources: ['deployments', 'deployments/scale'],
        resourceNames: [],
      },
    ]);
    expect(status.incomplete).toBe(true);
  });

  it('leaves wildcards out, and says so, where the cluster does not say what it serves', () => {
    const { status } = rulesReviewed(review([all]), rules({ readOnly: true }), 'shop', null);
    expect(status).toMatchObject({ resourceRules: [], incomplete: true });
  });

  it('cuts a rule to what is left of it', () => {
    const rbac = { verbs: ['get', 'create'], apiGroups: [''], resources: ['pods', 'pods/exec'], resourceNames: [] };
    const { status } = rulesReviewed(review([rbac]), rules({ connect: [] }), 'shop', null);
    expect(status).toMatchObject({
      resourceRules: [{ verbs: ['get', 'create'], apiGroups: [''], resources: ['pods'] }],
      incomplete: false,
    });
  });

  it('keeps names: those of RBAC, and those that a role allows alone', () => {
    const allow = [{ ...rule, verbs: ['get'], resources: ['configmaps'], names: ['a', 'b-*'] }];
    const one = { verbs: ['get', 'delete'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['a', 'c'] };
    const whole = { ...one, resourceNames: [] };
    const { status } = rulesReviewed(review([one, whole]), rules({ allow }), 'shop', null);
    const left = { verbs: ['get'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['a'] };
    expect(status.resourceRules).toEqual([left, left]);
  });

  it('cuts paths', () => {
    const policy = rules({ paths: [{ methods: ['GET'], path: '/healthz/*' }] });
    const { status } = rulesReviewed(review([], ['*', '/metrics', '/version']), policy, 'shop', null);
    expect(status.nonResourceRules).toEqual([
      {
        verbs: ['get'],
        nonResourceURLs: ['/api', '/api/*', '/apis', '/apis/*', '/openapi/*', '/version', '/version/', '/healthz/*'],
      },
    ]);
  });
});
