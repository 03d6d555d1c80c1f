import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { instanceAt } from '../machine/instance.ts';
import { findProcesses } from '../machine/processes.ts';
import { run } from '../machine/run.ts';
import { until } from '../machine/until.ts';
import { kubernetesBinaries } from './binaries.ts';
import { startCluster, stopCluster } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import { HTTPD_IMAGE } from './images.ts';
import { kubectlBinaries } from './kubectl.ts';
import { bridgeOf } from './node.ts';

let folder: string;
let binaries: string;
let kubectl: string;

const start = (): Promise<Cluster> => startCluster(join(folder, 'cluster'), { binaries, fsync: false });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-cluster-'));
  binaries = await kubernetesBinaries(() => undefined);
  kubectl = join(await kubectlBinaries(), 'kubectl');
});

afterAll(async () => {
  await stopCluster(join(folder, 'cluster'), { remove: true });
  await rm(folder, { recursive: true, force: true });
});

const POD = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web' },
  spec: {
    containers: [{ name: 'web', image: HTTPD_IMAGE, imagePullPolicy: 'Never' }],
    tolerations: [{ operator: 'Exists' }],
  },
});

function ask(cluster: Cluster, ...args: string[]): Promise<string> {
  return run(kubectl, args, { env: { ...process.env, KUBECONFIG: cluster.kubeconfig } });
}

test('starts, survives the kill of every part, starts again as it was, and leaves nothing behind', async () => {
  const instance = instanceAt(join(folder, 'cluster'));
  const first = await start();
  // A pod runs as the account that the controllers make for its namespace.
  await run(kubectl, ['apply', '-f', '-'], { input: POD, env: { ...process.env, KUBECONFIG: first.kubeconfig } });
  await ask(first, 'wait', '--for=condition=Ready', 'pod/web', '--timeout=60s');
  expect(await ask(first, 'exec', 'web', '--', 'wget', '-qO-', 'http://127.0.0.1:8080/')).toBe('Hello from a pod.\n');

  const pids = findProcesses(instance.folder).map((process_) => process_.pid);
  expect(await start()).toEqual(first);
  expect(findProcesses(instance.folder).map((process_) => process_.pid)).toEqual(pids);

  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await until(() => findProcesses(instance.folder).length === 0, { what: 'the end of every process' });
  expect(await start()).toEqual(first);
  await until(async () => (await ask(first, 'exec', 'web', '--', 'echo', 'again')) === 'again\n', {
    within: 60_000,
    every: 500,
    what: 'the pod after the restart',
  });
  const events = readFileSync(first.auditLog, 'utf8').trim().split('\n');
  expect(events.some((line) => line.includes('"subresource":"exec"'))).toBe(true);
  expect(events.some((line) => line.includes('"stage":"RequestReceived"'))).toBe(false);

  await stopCluster(join(folder, 'cluster'), { remove: true });
  expect(findProcesses(instance.folder)).toEqual([]);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(instance.id);
  expect(existsSync(`/sys/class/net/${bridgeOf(instance)}`)).toBe(false);
  expect(existsSync(instance.folder)).toBe(false);
  expect(existsSync(instance.runFolder)).toBe(false);
  for (const hierarchy of readdirSync('/sys/fs/cgroup'))
    expect(existsSync(join('/sys/fs/cgroup', hierarchy, instance.cgroup))).toBe(false);
}, 180_000);
