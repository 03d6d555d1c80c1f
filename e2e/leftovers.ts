/** What a portal has left on its engine and its cluster, as they themselves tell it. */
import Docker from 'dockerode';
import { join } from 'node:path';
import { kubectlBinaries } from './cluster/kubectl.ts';
import { run } from './machine/run.ts';
import { testCluster } from './use.ts';

export type Leftovers = { containers: string[]; cluster: string[] };

/** Session ids and names of containers and of accounts and bindings that carry the portal's label. */
export async function leftovers(portal: { id(): Promise<string>; docker: string }): Promise<Leftovers> {
  const id = await portal.id();
  const docker = new Docker({ socketPath: portal.docker });
  const found = await docker.listContainers({ all: true, filters: { label: [`sallyport.portal=${id}`] } });
  const list = await kubectlAsAdmin(
    'get',
    'serviceaccounts,rolebindings,clusterrolebindings',
    '--all-namespaces',
    '--selector',
    `sallyport.dev/portal=${id},sallyport.dev/session`,
    '--output',
    'name',
  );
  return {
    containers: found.map((container) => container.Labels['sallyport.session'] ?? container.Id),
    cluster: list.split('\n').filter(Boolean),
  };
}

export const nothing: Leftovers = { containers: [], cluster: [] };

/** Removes the containers, accounts and bindings of a portal that has stopped, by its id. */
export async function removeLeftovers(socketPath: string, portal: string): Promise<void> {
  const docker = new Docker({ socketPath });
  const found = await docker.listContainers({ all: true, filters: { label: [`sallyport.portal=${portal}`] } });
  await Promise.all(found.map(({ Id }) => docker.getContainer(Id).remove({ force: true })));
  await kubectlAsAdmin(
    'delete',
    'serviceaccounts,rolebindings,clusterrolebindings',
    '--all-namespaces',
    '--selector',
    `sallyport.dev/portal=${portal},sallyport.dev/session`,
    '--wait=false',
  );
}

/** kubectl with the test cluster's own administrator: what the cluster says, past the portal. */
export function kubectlAsAdmin(...args: string[]): Promise<string> {
  return asAdmin(args);
}

/** As an administrator applies what the portal prints. */
export function applyAsAdmin(manifest: string): Promise<string> {
  return asAdmin(['apply', '-f', '-'], manifest);
}

async function asAdmin(args: string[], input?: string): Promise<string> {
  const { kubeconfig } = await testCluster();
  const kubectl = join(await kubectlBinaries(), 'kubectl');
  return run(kubectl, args, {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    ...(input === undefined ? {} : { input }),
  });
}
