/** `kubectl exec` of 100 MiB, out and in, through the gateway (recorded) and straight at the API server. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUSYBOX_IMAGE } from '../../e2e/cluster/images.ts';
import { kubectlBinaries } from '../../e2e/cluster/kubectl.ts';
import { run } from '../../e2e/machine/run.ts';
import { interleave, type Bench } from '../context.ts';
import type { Measurement } from '../figure.ts';
import { issued } from '../gateway-sides.ts';
import { median } from '../statistics.ts';

const MIB = 1024 * 1024;
const SIZE_MIB = 100;

export async function gatewayExec(bench: Bench): Promise<Measurement[]> {
  const kubectl = join(await kubectlBinaries(), 'kubectl');
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-exec-'));
  const { kubeconfig, agent } = await issued(bench);
  agent.destroy();
  const ours = join(folder, 'kubeconfig');
  await writeFile(ours, kubeconfig, { mode: 0o600 });
  const admin = (...args: string[]) => run(kubectl, args, { env: { ...process.env, KUBECONFIG: bench.kubeconfig } });
  const namespace = `sallyport-bench-exec-${process.pid}`;
  try {
    await admin('create', 'namespace', namespace);
    const image = [`--image=${BUSYBOX_IMAGE}`, '--image-pull-policy=Never', '--restart=Never'];
    await admin('-n', namespace, 'run', 'pipe', ...image, '--', 'sleep', '3600');
    await admin('-n', namespace, 'wait', '--for=condition=Ready', 'pod/pipe', '--timeout=120s');
    const bytes = (bench.sample ? 1 : SIZE_MIB) * MIB;
    const exec = ['-n', namespace, 'exec', '-i', 'pipe', '--'];
    const read = [...exec, 'head', '-c', String(bytes), '/dev/zero'];
    const write = [...exec, 'wc', '-c'];
    const measure = async (name: string, through: (config: string) => Promise<number>): Promise<Measurement> => {
      const rates = { ours: [] as number[], direct: [] as number[] };
      await interleave(
        bench.rounds,
        async () => void rates.ours.push(await through(ours)),
        async () => void rates.direct.push(await through(bench.kubeconfig)),
      );
      return {
        name,
        unit: 'MB/s',
        ours: median(rates.ours),
        peerName: 'direct',
        peer: median(rates.direct),
        target: { kind: 'ratio-at-least', value: 0.8 },
      };
    };
    return [
      await measure('gateway exec, output', (config) => moved(kubectl, config, read, bytes, 'out')),
      await measure('gateway exec, input', (config) => moved(kubectl, config, write, bytes, 'in')),
    ];
  } finally {
    await admin('delete', 'namespace', namespace, '--wait=false').catch(() => {});
    await rm(folder, { recursive: true, force: true });
  }
}

/** MB/s of one run. Throws where not all of it came. */
async function moved(
  kubectl: string,
  kubeconfig: string,
  args: string[],
  bytes: number,
  direction: 'in' | 'out',
): Promise<number> {
  const start = performance.now();
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const child = spawn(kubectl, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  let seen = 0;
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.length;
    if (direction === 'in') said += chunk.toString();
  });
  // Where kubectl ends early its code says so.
  child.stdin.on('error', () => {});
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  if (direction === 'in') {
    const chunk = Buffer.alloc(256 * 1024);
    for (let left = bytes; left > 0; left -= chunk.length)
      if (!child.stdin.write(left < chunk.length ? chunk.subarray(0, left) : chunk))
        await Promise.race([new Promise((resolve) => child.stdin.once('drain', resolve)), ended]);
  }
  child.stdin.end();
  const code = await ended;
  if (code !== 0 || (direction === 'out' ? seen : Number(said)) !== bytes)
    throw new Error(`kubectl exec ended with ${code} after ${seen} of ${bytes} bytes`);
  return bytes / 1e6 / ((performance.now() - start) / 1_000);
}
