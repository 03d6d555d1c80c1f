/** Pods by the hundred, for lists. */
import { readFile } from 'node:fs/promises';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';

/** A namespace with pods that no scheduler takes: they cost the API server what any pod does, and no node anything. */
export async function populated(kubeconfig: string, pods: number): Promise<AsyncDisposable & { name: string }> {
  const config = new KubeConfig();
  config.loadFromString(await readFile(kubeconfig, 'utf8'));
  const core = config.makeApiClient(CoreV1Api);
  const { metadata } = await core.createNamespace({ body: { metadata: { generateName: 'sallyport-bench-' } } });
  const namespace = metadata!.name!;
  const create = (index: number) =>
    core.createNamespacedPod({
      namespace,
      body: {
        metadata: { name: `web-${String(index).padStart(4, '0')}`, labels: { app: 'web' } },
        spec: {
          schedulingGates: [{ name: 'sallyport.dev/bench' }],
          automountServiceAccountToken: false,
          containers: [{ name: 'web', image: 'sallyport.test/none:1' }],
        },
      },
    });
  for (let index = 0; index < pods; index += 20)
    await Promise.all(Array.from({ length: Math.min(20, pods - index) }, (_, offset) => create(index + offset)));
  return {
    name: namespace,
    async [Symbol.asyncDispose]() {
      await core.deleteNamespace({ name: namespace });
    },
  };
}
