/** A kubeconfig for people's own tools: contexts of one gateway, each with a credential for its cluster alone. */
import { stringify } from 'yaml';

export type KubeconfigEntry = { cluster: string; namespace: string; credential: KubeconfigCredential };
/** PEM, where it is a certificate. */
export type KubeconfigCredential =
  | { kind: 'token'; token: string }
  | { kind: 'certificate'; certificate: string; key: string };

/**
 * @param gateway origin of the gateway, `https://host:port`.
 * @param authority PEM that the gateway's certificate is verified by; null: what the machine trusts.
 */
export function kubeconfigFile(
  entries: readonly [KubeconfigEntry, ...KubeconfigEntry[]],
  { gateway, authority }: { gateway: string; authority: string | null },
): string {
  const named = entries.map((entry) => ({ ...entry, name: `sallyport-${entry.cluster}` }));
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': named[0]!.name,
    clusters: named.map(({ name, cluster }) => ({
      name,
      cluster: {
        server: `${gateway}/k8s/${cluster}`,
        ...(authority === null ? {} : { 'certificate-authority-data': Buffer.from(authority).toString('base64') }),
      },
    })),
    users: named.map(({ name, credential }) => ({ name, user: userOf(credential) })),
    contexts: named.map(({ name, namespace }) => ({ name, context: { cluster: name, user: name, namespace } })),
  });
}

function userOf(credential: KubeconfigCredential) {
  if (credential.kind === 'token') return { token: credential.token };
  return {
    'client-certificate-data': Buffer.from(credential.certificate).toString('base64'),
    'client-key-data': Buffer.from(credential.key).toString('base64'),
  };
}
