/** A containerd of our own: own root, state and socket; for pods with CNI, for an engine without. */
import { readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Instance } from './instance.ts';
import { findProcesses, lastLines, startProcess } from './processes.ts';
import { run } from './run.ts';
import { GivenUp, until } from './until.ts';

const OVERLAYFS_MAGIC = 0x794c7630;

export type ContainerdOptions = {
  /** Absent: no pods, the CRI plugin is off. */
  pods?: { pauseImage: string; cniBin: string; cniConf: string };
};

export function containerdSocket(instance: Instance): string {
  return join(instance.runFolder, 'containerd.sock');
}

/** overlayfs may not lie on overlayfs: inside a container the slower copying snapshotter serves. */
function snapshotter(folder: string): string {
  return statfsSync(folder).type === OVERLAYFS_MAGIC ? 'native' : 'overlayfs';
}

function config(instance: Instance, { pods }: ContainerdOptions): string {
  const head = `version = 2
root = "${join(instance.folder, 'containerd')}"
state = "${join(instance.runFolder, 'containerd')}"
oom_score = 0
disabled_plugins = [${pods ? '' : '"io.containerd.grpc.v1.cri", '}"io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
address = "${containerdSocket(instance)}"
`;
  if (!pods) return head;
  // restrict_oom_score_adj: without CAP_SYS_RESOURCE a pod's negative score fails its start.
  // netns_mounts_under_state_dir: what lies in our state folder is found, and removed, as ours.
  return `${head}[plugins."io.containerd.grpc.v1.cri"]
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
sandbox_image = "${pods.pauseImage}"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "${pods.cniBin}"
conf_dir = "${pods.cniConf}"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "${snapshotter(instance.folder)}"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
Root = "${join(instance.runFolder, 'runc')}"
`;
}

export async function startContainerd(instance: Instance, options: ContainerdOptions): Promise<void> {
  await mkdir(join(instance.folder, 'containerd'), { recursive: true, mode: 0o711 });
  await mkdir(instance.runFolder, { recursive: true, mode: 0o711 });
  const file = join(instance.folder, 'containerd.toml');
  await writeFile(file, config(instance, options), { mode: 0o600 });
  const log = instance.log('containerd');
  startProcess(instance.folder, 'containerd', { command: 'containerd', args: ['--config', file], log });
  await until(
    async () => {
      if (findProcesses(instance.folder, 'containerd').length === 0)
        throw new GivenUp(`containerd ended at its start:\n${lastLines(log)}`);
      await ctr(instance, ['version']);
      return true;
    },
    { within: 30_000, what: () => `containerd's answer (${lastLines(log)})` },
  );
}

/** Runs containerd's own client against this instance. */
export function ctr(instance: Instance, args: string[]): Promise<string> {
  return run('ctr', ['--address', containerdSocket(instance), ...args]);
}

/** Names of what containerd and its shims keep outside of our folders, read before they are killed. */
export type Leftovers = { shimSockets: string[]; sandboxes: string[] };

export function leftovers(instance: Instance): Leftovers {
  const state = join(instance.runFolder, 'containerd');
  const tasks = join(state, 'io.containerd.runtime.v2.task');
  const shimSockets = list(tasks).flatMap((namespace) =>
    list(join(tasks, namespace)).map((id) => {
      try {
        return readFileSync(join(tasks, namespace, id, 'address'), 'utf8')
          .replace('unix://', '')
          .trim();
      } catch {
        return '';
      }
    }),
  );
  return {
    shimSockets: shimSockets.filter((path) => path.startsWith('/run/containerd/s/')),
    sandboxes: list(join(state, 'io.containerd.grpc.v1.cri', 'sandboxes')),
  };
}

/** Removes what {@link leftovers} named: shims' sockets, and what CNI remembers of pods' addresses. */
export function removeLeftovers({ shimSockets, sandboxes }: Leftovers): void {
  for (const path of shimSockets) rmSync(path, { force: true });
  for (const folder of ['/var/lib/cni/results', '/var/lib/cni/cache/results'])
    for (const file of list(folder))
      if (sandboxes.some((id) => id !== '' && file.includes(id))) rmSync(join(folder, file), { force: true });
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
