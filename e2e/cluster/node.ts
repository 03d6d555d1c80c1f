/** The one node: containerd and kubelet, on a bridge and in a control group of their own. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCgroup } from '../machine/cgroups.ts';
import { containerdSocket, startContainerd } from '../machine/containerd.ts';
import type { Instance } from '../machine/instance.ts';
import { findProcesses, lastLines, startProcess } from '../machine/processes.ts';
import { GivenUp, until } from '../machine/until.ts';
import { askApi } from './api.ts';
import { kubeconfigFor } from './certificates.ts';
import { serverOf } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { importImages, PAUSE_IMAGE } from './images.ts';
import { cniConfig, makeBridge } from './network.ts';

export const NODE_NAME = 'node-1';

export function bridgeOf(instance: Instance): string {
  return `sp${instance.id}`;
}

function kubeletConfig({ instance, pki, state }: ControlPlane): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: `${state.subnet}.1`,
    port: 10250,
    readOnlyPort: 0,
    healthzPort: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(pki, 'ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: join(pki, 'kubelet.crt'),
    tlsPrivateKeyFile: join(pki, 'kubelet.key'),
    containerRuntimeEndpoint: `unix://${containerdSocket(instance)}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${instance.cgroup}`,
    // Machines with control groups of version 1 and with swap are welcome: this is a cluster for tests and demos.
    failCgroupV1: false,
    failSwapOn: false,
    // A negative score needs CAP_SYS_RESOURCE, which containers and small machines lack.
    oomScoreAdj: 0,
    // The host's firewall is not ours.
    makeIPTablesUtilChains: false,
    // Nothing answers names there; without an address every pod would carry a warning.
    clusterDNS: [`${state.subnet}.1`],
    resolvConf: '/dev/null',
    podLogsDir: join(instance.folder, 'pod-logs'),
    volumePluginDir: join(instance.folder, 'volume-plugins'),
    // A demo machine may be nearly full without that being the demo's affair.
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
  };
}

/** What the node said before `since` (ms) was said by a kubelet that is gone. */
async function nodeIsReady({ pki, state }: ControlPlane, since: number): Promise<boolean> {
  const { status, body } = await askApi(pki, serverOf(state), `/api/v1/nodes/${NODE_NAME}`);
  if (status !== 200) return false;
  type Node = { status: { conditions?: { type: string; status: string; lastHeartbeatTime: string }[] } };
  const ready = (JSON.parse(body) as Node).status.conditions?.find((condition) => condition.type === 'Ready');
  return ready?.status === 'True' && Date.parse(ready.lastHeartbeatTime) >= since;
}

export async function prepareNode({ instance, state }: ControlPlane): Promise<void> {
  const cniConf = join(instance.folder, 'cni');
  await mkdir(cniConf, { recursive: true });
  const network = cniConfig(bridgeOf(instance), state.subnet, join(instance.runFolder, 'addresses'));
  await writeFile(join(cniConf, '10-bridge.conflist'), network);
  await makeBridge(bridgeOf(instance), state.subnet);
  makeCgroup(instance.cgroup);
  await startContainerd(instance, { pods: { pauseImage: PAUSE_IMAGE, cniBin: '/usr/lib/cni', cniConf } });
  await importImages(instance);
}

/** Resolves when the node says that it is ready for pods. */
export async function startNode(plane: ControlPlane): Promise<void> {
  const { instance, binaries, pki, state } = plane;
  const log = instance.log('kubelet');
  const configFile = join(instance.folder, 'kubelet.json');
  await writeFile(configFile, JSON.stringify(kubeletConfig(plane), null, 2));
  const kubeconfig = join(instance.folder, 'kubelet.kubeconfig');
  await writeFile(kubeconfig, kubeconfigFor(pki, 'node', serverOf(state)), { mode: 0o600 });
  // The API's times are whole seconds.
  const runs = findProcesses(instance.folder, 'kubelet').length > 0;
  const since = runs ? 0 : Math.floor(Date.now() / 1000) * 1000;
  startProcess(instance.folder, 'kubelet', {
    command: join(binaries, 'kubelet'),
    args: [
      `--config=${configFile}`,
      `--kubeconfig=${kubeconfig}`,
      `--root-dir=${join(instance.folder, 'kubelet')}`,
      `--hostname-override=${NODE_NAME}`,
      `--node-ip=${state.subnet}.1`,
      '--v=1',
    ],
    log,
  });
  await until(
    () => {
      if (findProcesses(instance.folder, 'kubelet').length === 0)
        throw new GivenUp(`the kubelet ended at its start:\n${lastLines(log)}`);
      return nodeIsReady(plane, since);
    },
    { within: 90_000, every: 200, what: () => `the node's readiness (${lastLines(log, 6)})` },
  );
}
