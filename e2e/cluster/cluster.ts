/**
 * A whole Kubernetes with one real node, of the real programs, in a folder: for tests, development and the demo.
 * Several live side by side; each outlives who started it, and starts again after a kill or a reboot.
 */
import { existsSync, lstatSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { removeCgroup } from '../machine/cgroups.ts';
import { leftovers, removeLeftovers } from '../machine/containerd.ts';
import { instanceAt, remembered } from '../machine/instance.ts';
import type { Instance } from '../machine/instance.ts';
import { removeFolder, unmountUnder } from '../machine/mounts.ts';
import { freePort, portIsFree } from '../machine/ports.ts';
import { findProcesses, stopProcesses } from '../machine/processes.ts';
import { until } from '../machine/until.ts';
import { kubeconfigFor, makeCertificates } from './certificates.ts';
import type { Subject } from './certificates.ts';
import { auditLogOf, controllersWork, serverOf, SERVICE_ADDRESS, startControlPlane } from './control-plane.ts';
import type { ClusterState, ControlPlane } from './control-plane.ts';
import { freeSubnet, removeBridge } from './network.ts';
import { bridgeOf, NODE_NAME, prepareNode, startNode } from './node.ts';

export type Cluster = {
  /** `https://127.0.0.1:<port>` */
  server: string;
  /** A file that holds the admin's kubeconfig, everything inline. */
  kubeconfig: string;
  /** One JSON event per line, level Metadata, as the API server writes it. */
  auditLog: string;
  node: string;
};

export type ClusterOptions = {
  /** Folder of etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubelet. */
  binaries: string;
  /** False only in tests: a power loss may then lose the cluster. */
  fsync?: boolean;
  onProgress?: (line: string) => void;
};

function subjects(state: ClusterState): Record<string, Subject> {
  const node = `${state.subnet}.1`;
  return {
    apiserver: {
      commonName: 'kube-apiserver',
      hosts: ['127.0.0.1', SERVICE_ADDRESS, node, 'localhost', 'kubernetes', 'kubernetes.default.svc', hostname()],
    },
    admin: { commonName: 'admin', organization: 'system:masters' },
    'kube-controller-manager': { commonName: 'system:kube-controller-manager' },
    'kube-scheduler': { commonName: 'system:kube-scheduler' },
    'kubelet-client': { commonName: 'kube-apiserver-kubelet-client', organization: 'system:masters' },
    kubelet: { commonName: NODE_NAME, hosts: [node, NODE_NAME] },
    node: { commonName: `system:node:${NODE_NAME}`, organization: 'system:nodes' },
  };
}

/** A killed program keeps its port for a moment longer; a stranger keeps it. */
async function portsAreOurs(instance: Instance, state: ClusterState): Promise<void> {
  const ports = { 'kube-apiserver': [state.apiPort], etcd: [state.etcdPort, state.etcdPeerPort] };
  for (const [part, numbers] of Object.entries(ports))
    for (const port of numbers)
      await until(async () => findProcesses(instance.folder, part).length > 0 || (await portIsFree(port)), {
        within: 10_000,
        what: `port ${port} for ${part} of the cluster in ${instance.folder}, which another program has: its end`,
      });
}

/** Starts what does not run yet; returns when the API server, its controllers and the node are ready. Needs root. */
export async function startCluster(folder: string, options: ClusterOptions): Promise<Cluster> {
  const progress = options.onProgress ?? (() => undefined);
  const instance = instanceAt(folder);
  await mkdir(join(instance.folder, 'audit'), { recursive: true, mode: 0o711 });
  const state = await remembered<ClusterState>(instance, async () => ({
    apiPort: await freePort(),
    etcdPort: await freePort(),
    etcdPeerPort: await freePort(),
    subnet: await freeSubnet(),
  }));
  await portsAreOurs(instance, state);
  const pki = join(instance.folder, 'pki');
  await makeCertificates(pki, subjects(state));
  // etcd trusts an authority of its own: otherwise every certificate of the cluster would open its database.
  await makeCertificates(join(pki, 'etcd'), { etcd: { commonName: 'etcd', hosts: ['127.0.0.1'] } });
  const plane: ControlPlane = { instance, binaries: options.binaries, pki, state, fsync: options.fsync ?? true };
  if (findProcesses(instance.folder, 'kube-apiserver').length === 0) progress('Kubernetes: starting the control plane');
  await Promise.all([startControlPlane(plane), prepareNode(plane)]);
  if (findProcesses(instance.folder, 'kubelet').length === 0) progress('Kubernetes: starting the node');
  await Promise.all([startNode(plane), controllersWork(plane)]);
  const kubeconfig = join(instance.folder, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigFor(pki, 'admin', serverOf(state)), { mode: 0o600 });
  return { server: serverOf(state), kubeconfig, auditLog: auditLogOf(instance), node: NODE_NAME };
}

/** Links that the kubelet keeps in a folder that every kubelet of a machine shares. */
function removeLogLinks(podLogs: string): void {
  const shared = '/var/log/containers';
  if (!existsSync(shared)) return;
  for (const name of readdirSync(shared)) {
    const link = join(shared, name);
    if (lstatSync(link).isSymbolicLink() && readlinkSync(link).startsWith(`${podLogs}/`)) rmSync(link);
  }
}

/** Ends every process, pod, mount, device and control group of the cluster; with `remove`, its folder too. */
export async function stopCluster(folder: string, { remove }: { remove: boolean }): Promise<void> {
  const instance = instanceAt(folder);
  await stopProcesses(instance.folder, 'kubelet');
  for (const part of ['kube-scheduler', 'kube-controller-manager']) await stopProcesses(instance.folder, part);
  // Its orderly end waits a minute for open watches; etcd keeps everything in any case.
  await stopProcesses(instance.folder, 'kube-apiserver', 500);
  await stopProcesses(instance.folder, 'etcd');
  const left = leftovers(instance);
  await removeCgroup(instance.cgroup);
  await stopProcesses(instance.folder);
  await unmountUnder(instance.runFolder);
  await unmountUnder(instance.folder);
  removeLeftovers(left);
  removeLogLinks(join(instance.folder, 'pod-logs'));
  await removeBridge(bridgeOf(instance));
  await removeFolder(instance.runFolder);
  if (remove) await removeFolder(instance.folder);
}
