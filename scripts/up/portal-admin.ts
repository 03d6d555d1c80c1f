/** What a demo needs of the portal's own administration command: an administrator, a token, its cluster. */
import { delimiter, join } from 'node:path';
import { kubectlBinaries } from '../../e2e/cluster/kubectl.ts';
import { run } from '../../e2e/machine/run.ts';
import { ROOT } from '../steps.ts';

export type ClusterAccess = { kubeconfig: string; context: string | undefined };

export type PortalAdmin = {
  user(email: string, name: string): Promise<{ email: string; password: string }>;
  token(email: string, name: string): Promise<{ token: string }>;
  /** Installs the portal's own account with the operator's kubeconfig, and registers the cluster under this name. */
  cluster(name: string, access: ClusterAccess): Promise<void>;
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
    cluster: async (name, { kubeconfig, context }) => {
      const which = ['--name', name, '--kubeconfig', kubeconfig, ...(context ? ['--context', context] : [])];
      await ask('cluster', 'add', ...which);
    },
  };
}
