/** A token of a service account, from Kubernetes' TokenRequest. */
import { z } from 'zod';
import type { KubeClient } from './client.ts';

export type IssuedToken = { token: string; expiresAt: Date };

/** What a header takes: the token goes into one with each call. A token of Kubernetes has about 1,200 characters. */
const schema = z.object({
  status: z.object({
    token: z.string().regex(/^[\x21-\x7e]{1,16384}$/),
    expirationTimestamp: z.iso.datetime({ offset: true }),
  }),
});

/** Throws the Problems of KubeClient.read. */
export async function requestToken(
  client: KubeClient,
  {
    namespace,
    account,
    seconds,
    signal,
  }: { namespace: string; account: string; seconds: number; signal?: AbortSignal },
): Promise<IssuedToken> {
  const { status } = await client.read(schema, {
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${encodeURIComponent(account)}/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: seconds } },
    signal,
  });
  return { token: status.token, expiresAt: new Date(status.expirationTimestamp) };
}
