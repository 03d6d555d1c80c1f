/** The operator's own kubectl, with their own kubeconfig: exec plugins and all that it knows. Nothing of it is kept. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { Problem } from '../domain/problem.ts';

export type OperatorsKubectl = {
  /** Program to run; default: `kubectl` in PATH. */
  kubectl?: string;
  kubeconfig: string;
  context?: string | undefined;
};

/** An exec plugin may sign in first. */
const KUBECTL_MS = 120_000;

/** What it printed. Throws Problem `kubectl-failed` or `kubectl-missing`. */
export async function kubectl(options: OperatorsKubectl, args: string[], input = ''): Promise<string> {
  const context = options.context ? ['--context', options.context] : [];
  const program = options.kubectl ?? 'kubectl';
  const child = spawn(program, ['--kubeconfig', options.kubeconfig, ...context, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: KUBECTL_MS,
  });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  try {
    const [out, err, status] = await Promise.race([
      Promise.all([text(child.stdout), text(child.stderr), code]),
      failed,
    ]);
    if (status === 0) return out;
    throw new Problem('kubectl-failed', 502, `kubectl ${args[0]} failed: ${err.trim().slice(0, 2_000)}`, {
      next: 'Check that kubectl works with this kubeconfig and context, and that you may make namespaces and ClusterRoles.',
    });
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem('kubectl-missing', 500, `kubectl could not be run: ${(cause as Error).message}`, {
      next: 'Install kubectl, or register the cluster by address and token.',
      cause,
    });
  }
}
