import { expect, it } from 'vitest';
import { openPolicy } from './policy.ts';
import { policySummary } from './policy-summary.ts';

it.each([
  [{}, 'nothing more'],
  [{ readOnly: true }, 'all but reads'],
  [{ connect: ['service-proxy' as const, 'pod-proxy' as const] }, 'exec, attach, port-forward, ephemeral-containers'],
  [{ readOnly: true, connect: [], secrets: 'none' as const }, 'all but reads; Secrets'],
  [
    { secrets: 'read' as const, paths: [{ methods: ['GET' as const], path: '/metrics' }] },
    'changes of Secrets; all but 1 path',
  ],
  [{ deny: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['kube-*'], names: [] }] }, 'by 1 rule'],
])('%j: %s', (policy, words) => {
  expect(policySummary({ ...openPolicy, ...policy })).toBe(words);
});
