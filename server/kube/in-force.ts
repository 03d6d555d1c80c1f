/**
 * Whether a cluster grants an account what it was bound to. Its authorizer hears of bindings by a watch: a moment
 * later, on a busy API server some; a call that comes sooner is forbidden.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { KubeClient } from './client.ts';

/** What every account may do, bound or not: ask about itself. */
const ABOUT_ITSELF = new Set(['authorization.k8s.io', 'authentication.k8s.io']);
export const RULES_REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
/** A role that gives nothing is waited for in vain, so long. */
const MOST_MS = 3_000;
const LOOK_MS = 20;

const rulesReview = z.object({
  status: z.object({ resourceRules: z.array(z.object({ apiGroups: z.array(z.string()).default([]) })) }),
});

/**
 * Resolves once it does, in each namespace (none: cluster-wide). `client` acts as the account, which the cluster's own
 * audit log shows under `auditId`. Throws the Problems of KubeClient.read.
 */
export async function inForce(
  client: Pick<KubeClient, 'read'>,
  namespaces: readonly string[],
  auditId: string,
): Promise<void> {
  const end = performance.now() + MOST_MS;
  const granted = async (namespace: string): Promise<boolean> => {
    const { status } = await client.read(rulesReview, {
      method: 'POST',
      path: RULES_REVIEWS,
      auditId,
      body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } },
    });
    return status.resourceRules.some(({ apiGroups }) => !apiGroups.every((group) => ABOUT_ITSELF.has(group)));
  };
  for (const namespace of namespaces.length > 0 ? namespaces : ['default'])
    while (!(await granted(namespace)) && performance.now() < end) await delay(LOOK_MS);
}
