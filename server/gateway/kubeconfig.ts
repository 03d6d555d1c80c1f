/** The kubeconfig in a sandbox. It names the token's file and holds no credential. */
import { stringify } from 'yaml';
import { KUBERNETES_PORT, TOKEN_FILE } from '../../protocol/sandbox.ts';

/** `user` is who the person is, in words: kubectl shows it in `config get-contexts`. */
export function sandboxKubeconfig(
  authority: string,
  facts: { cluster: string; namespace: string; user: string },
): string {
  const { cluster, namespace, user } = facts;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': cluster,
    contexts: [{ name: cluster, context: { cluster, user, namespace } }],
    clusters: [
      {
        name: cluster,
        cluster: {
          server: `https://127.0.0.1:${KUBERNETES_PORT}`,
          'certificate-authority-data': Buffer.from(authority).toString('base64'),
        },
      },
    ],
    users: [{ name: user, user: { tokenFile: TOKEN_FILE } }],
  });
}
