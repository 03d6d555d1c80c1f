/** What a demo needs of the portal's own administration command: an administrator, a token, its cluster. */
import { delimiter, join } from 'node:path';
import { kubectlBinaries } from '../../e2e/cluster/kubectl.ts';
import { run } from '../../e2e/machine/run.ts';
import { ROOT } from '../steps.ts';

export type ClusterAccess = { kubeconfig: string; context: string | undefined; namespace?: string | undefined };

/** What became of a cluster that the portal leaves (server/kube/uninstall.ts). */
export type LeftCluster = {
  name: string;
  /** Why nothing could be removed. */
  failed?: string;
  removed: string[];
  left: string[];
  commands: string[];
};

export type PortalAdmin = {
  user(email: string, name: string): Promise<{ email: string; password: string }>;
  token(email: string, name: string): Promise<{ token: string }>;
  /** Installs the portal's own account with the operator's kubeconfig, and registers the cluster under this name. */
  cluster(name: string, access: ClusterAccess): Promise<void>;
  /** Removes from the clusters what the portal put there; the portal must not run. `except`: a cluster that goes itself. */
  leaveClusters(operators: ClusterAccess | undefined, except: string): Promise<LeftCluster[]>;
};

/** `env` is the portal's own: the command finds database and keys as the portal does. */
export function portalAdmin(env: NodeJS.ProcessEnv): PortalAdmin {
  const ask = async (...args: string[]): Promise<string> => {
    // The operator's own kubectl first: its version fits their exec plugins.
    const path = [env['PATH'], await kubectlBinaries()].filter(Boolean).join(delimiter);
    const options = { cwd: ROOT, env: { ...env, PATH: path } };
    const output = await run(process.execPath, [join(ROOT, 'server', 'admin.ts'), ...args], options);
    return output.trim().split('\n').at(-1) ?? '';
  };
  return {
    user: async (email, name) =>
      JSON.parse(await ask('user', 'add', '--email', email, '--name', name, '--role', 'admin')) as {
        email: string;
        password: string;
      },
    token: async (email, name) =>
      JSON.parse(await ask('token', 'create', '--email', email, '--name', name)) as { token: string },
    cluster: async (name, access) => {
      await ask('cluster', 'add', '--name', name, ...optionsOf(access));
    },
    leaveClusters: async (operators, except) => {
      const which = operators ? optionsOf(operators) : [];
      const answer = JSON.parse(await ask('clusters', 'leave', '--except', except, ...which)) as {
        clusters: LeftCluster[];
      };
      return answer.clusters;
    },
  };
}

function optionsOf({ kubeconfig, context, namespace }: ClusterAccess): string[] {
  return [
    '--kubeconfig',
    kubeconfig,
    ...(context ? ['--context', context] : []),
    ...(namespace ? ['--namespace', namespace] : []),
  ];
}
