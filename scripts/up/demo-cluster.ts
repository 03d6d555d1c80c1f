/** The cluster that a demo starts with: the real thing, one node, and something in it to look at. */
import { join } from 'node:path';
import { kubernetesBinaries } from '../../e2e/cluster/binaries.ts';
import { startCluster } from '../../e2e/cluster/cluster.ts';
import { HTTPD_IMAGE } from '../../e2e/cluster/images.ts';
import { kubectlBinaries } from '../../e2e/cluster/kubectl.ts';
import { CLUSTER_NEEDS } from '../../e2e/machine/needs.ts';
import { ensurePackages } from '../../e2e/machine/packages.ts';
import { run } from '../../e2e/machine/run.ts';

/** What the portal calls it. */
export const DEMO_CLUSTER = 'demo';

const labels = { app: 'hello' };

/** Two pods behind a service, as the "restricted" Pod Security standard wants them. */
const HELLO = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'hello', namespace: 'default', labels },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
            containers: [
              {
                name: 'web',
                image: HTTPD_IMAGE,
                imagePullPolicy: 'Never',
                ports: [{ containerPort: 8080 }],
                securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'hello', namespace: 'default', labels },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    },
  ],
};

/** Resolves with the admin's kubeconfig file. */
export async function startDemoCluster(dataDir: string, say: (line: string) => void): Promise<string> {
  await ensurePackages(CLUSTER_NEEDS, say);
  const binaries = await kubernetesBinaries(say);
  const { kubeconfig } = await startCluster(join(dataDir, 'demo'), { binaries, onProgress: say });
  const kubectl = join(await kubectlBinaries(), 'kubectl');
  // Only what is missing: what people changed in their demo stays changed.
  await run(kubectl, ['--kubeconfig', kubeconfig, 'create', '-f', '-'], { input: JSON.stringify(HELLO) }).catch(
    (error: Error) => {
      if (!error.message.includes('AlreadyExists')) throw error;
    },
  );
  return kubeconfig;
}
