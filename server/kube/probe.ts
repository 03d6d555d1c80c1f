/** One look at a cluster: does it answer, how fast, which version, and may the portal do what it has to. */
import { z } from 'zod';
import type { ActAs } from '../domain/impersonation.ts';
import { Problem } from '../domain/problem.ts';
import type { KubeClient } from './client.ts';
import { describePermission, type Permission, permissions } from './permissions.ts';

export type Probe = {
  ok: boolean;
  version: string | null;
  latencyMs: number | null;
  message: string | null;
  missingPermissions: string[];
};

/** `v1.36.3`, `v1.34.2+k3s1`, `v1.33.1-eks-1a2b3c4`: shown as it is. */
const versionSchema = z.object({ gitVersion: z.string().regex(/^[\x21-\x7e]{1,128}$/) });

/** Never throws: what is wrong is in `message`. Permissions are asked where `clusterRoles` is given. */
export async function probe(
  client: KubeClient,
  namespace: string,
  clusterRoles: readonly string[] | null,
  actAs: ActAs,
): Promise<Probe> {
  try {
    const startedAt = performance.now();
    const { gitVersion } = await client.read(versionSchema, { method: 'GET', path: '/version' });
    const latencyMs = Math.round((performance.now() - startedAt) * 10) / 10;
    const missing = clusterRoles ? await missingPermissions(client, permissions(namespace, clusterRoles, actAs)) : [];
    const message = missing.length > 0 ? `The portal's account lacks ${missing.length} of its permissions.` : null;
    return { ok: missing.length === 0, version: gitVersion, latencyMs, message, missingPermissions: missing };
  } catch (error) {
    const problem = error instanceof Problem ? error : null;
    const message = problem
      ? [problem.message, problem.next].filter(Boolean).join(' ')
      : 'The cluster cannot be checked.';
    return { ok: false, version: null, latencyMs: null, message, missingPermissions: [] };
  }
}

/** Asked all at once; in the order of the manifest. Throws as KubeClient.json, 401 included: then nothing is known. */
async function missingPermissions(client: KubeClient, wanted: Permission[]): Promise<string[]> {
  const allowed = await Promise.all(
    wanted.map(async (resourceAttributes) => {
      const { status } = await client.json<{ status: { allowed: boolean } }>({
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes },
        },
      });
      return status.allowed;
    }),
  );
  return wanted.filter((_, index) => !allowed[index]).map(describePermission);
}
