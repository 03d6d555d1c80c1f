/** A token of a service account, from Kubernetes' TokenRequest. */
import { z } from 'zod';
import type { KubeClient } from './client.ts';

export type IssuedToken = { token: string; expiresAt: Date };

/** Far past what any cluster grants; a larger number is no life. Seconds. */
const LONGEST = 10 * 365 * 86_400;

/** What a header takes: the token goes into one with each call. A token of Kubernetes has about 1,200 characters. */
const schema = z.object({
  /** What was granted, which may be less than was asked for. */
  spec: z.object({ expirationSeconds: z.number().int().positive().max(LONGEST) }).optional(),
  status: z.object({
    token: z.string().regex(/^[\x21-\x7e]{1,16384}$/),
    expirationTimestamp: z.iso.datetime({ offset: true }),
  }),
});

/**
 * `expiresAt` is by `now`: the cluster's clock may stand elsewhere, and a token that is thought to live longer than it
 * does is not renewed in time. Throws the Problems of KubeClient.read.
 */
export async function requestToken(
  client: KubeClient,
  {
    namespace,
    account,
    seconds,
    signal,
  }: { namespace: string; account: string; seconds: number; signal?: AbortSignal },
  now: () => Date,
): Promise<IssuedToken> {
  const asked = now().getTime();
  const { spec, status } = await client.read(schema, {
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${encodeURIComponent(account)}/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: seconds } },
    signal,
  });
  const expiresAt = spec ? new Date(asked + spec.expirationSeconds * 1_000) : new Date(status.expirationTimestamp);
  return { token: status.token, expiresAt };
}
