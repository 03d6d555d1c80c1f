/** `kubectl get pods` of 500 pods: in a session's shell, and straight at the API server from the same image. */
import { chmod, chown, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interleave, openShell, type Bench, type Shell } from '../context.ts';
import type { Measurement } from '../figure.ts';
import { median } from '../statistics.ts';
import { PROMPT, Reader } from '../terminal.ts';
import { populated } from './pods.ts';

const PODS = 500;
const SAMPLE_PODS = 20;
const CALLS = 10;
const SHELL_UID = 1000;

export async function kubectl(bench: Bench): Promise<Measurement[]> {
  const pods = bench.sample ? SAMPLE_PODS : PODS;
  await using namespace = await populated(bench.kubeconfig, pods);
  await using shell = await openShell(bench.portal, bench);
  await using readable = await copyForShell(bench.kubeconfig);
  const container = await bench.peers.start({ network: 'host', binds: [`${readable.path}:/bench/kubeconfig:ro`] });
  const terminal = await bench.peers.exec(container, ['env', 'KUBECONFIG=/bench/kubeconfig', 'bash']);
  const direct = { terminal, reader: new Reader(terminal) };
  await direct.reader.until(PROMPT);
  const calls = bench.sample ? 2 : CALLS;
  const rounds = { ours: [] as number[], peer: [] as number[] };
  await getPods(shell, namespace.name, 1, pods);
  await getPods(direct, namespace.name, 1, pods);
  await interleave(
    bench.rounds,
    async () => void rounds.ours.push(await getPods(shell, namespace.name, calls, pods)),
    async () => void rounds.peer.push(await getPods(direct, namespace.name, calls, pods)),
  );
  return [
    {
      name: `kubectl get ${pods} pods`,
      unit: 'ms',
      ours: median(rounds.ours),
      peerName: 'direct',
      peer: median(rounds.peer),
      target: { kind: 'ratio-at-most', value: 1.15 },
    },
  ];
}

/** The kubeconfig, readable by the user that shells run as, while it is needed. */
async function copyForShell(kubeconfig: string): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-kubeconfig-'));
  const path = join(folder, 'config');
  await copyFile(kubeconfig, path);
  await chmod(path, 0o400);
  await chown(path, SHELL_UID, SHELL_UID);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** The median of `calls` runs in that shell by bash's own clock, ms. Throws where a run does not print every pod. */
async function getPods(shell: Pick<Shell, 'terminal' | 'reader'>, namespace: string, calls: number, pods: number) {
  const get = `kubectl get pods -n ${namespace} --no-headers`;
  await shell.reader.run(
    `for i in {1..${calls}}; do a=$EPOCHREALTIME; n=$(${get} | wc -l); b=$EPOCHREALTIME; echo "took=$((\${b/./} - \${a/./})),$n;"; done`,
    120_000,
  );
  const runs = [...shell.reader.tail.matchAll(/took=(\d+),(\d+);/g)];
  if (runs.length !== calls || runs.some((run) => Number(run[2]) !== pods))
    throw new Error(`kubectl did not list ${pods} pods: ${JSON.stringify(shell.reader.tail.slice(-400))}`);
  return median(runs.map((run) => Number(run[1]) / 1000));
}
