/** etcd, kube-apiserver, controller-manager and scheduler: what each is started with. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Instance } from '../machine/instance.ts';
import { lastLines, findProcesses, startProcess } from '../machine/processes.ts';
import { GivenUp, until } from '../machine/until.ts';
import { askApi } from './api.ts';
import { kubeconfigFor } from './certificates.ts';

/** Decided at the first start and kept. */
export type ClusterState = { apiPort: number; etcdPort: number; etcdPeerPort: number; subnet: string };

/** Virtual: nothing routes it, no kube-proxy runs; services are reached by their endpoints. */
const SERVICE_CIDR = '10.96.0.0/16';
export const SERVICE_ADDRESS = '10.96.0.1';

// The cluster's own witness of every call: who, what and our Audit-ID, never a body.
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};

export type ControlPlane = { instance: Instance; binaries: string; pki: string; state: ClusterState; fsync: boolean };

export function auditLogOf(instance: Instance): string {
  return join(instance.folder, 'audit', 'audit.log');
}

export function serverOf(state: ClusterState): string {
  return `https://127.0.0.1:${state.apiPort}`;
}

function start(plane: ControlPlane, name: string, args: string[]): void {
  const { instance, binaries } = plane;
  startProcess(instance.folder, name, { command: join(binaries, name), args, log: instance.log(name) });
}

function startEtcd(plane: ControlPlane): void {
  const { instance, pki, state } = plane;
  const client = `https://127.0.0.1:${state.etcdPort}`;
  const peer = `https://127.0.0.1:${state.etcdPeerPort}`;
  start(plane, 'etcd', [
    '--name=sallyport',
    `--data-dir=${join(instance.folder, 'etcd')}`,
    '--log-level=warn',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=sallyport=${peer}`,
    // Another user of this machine may connect to loopback: certificates keep them out.
    `--cert-file=${pki}/etcd/etcd.crt`,
    `--key-file=${pki}/etcd/etcd.key`,
    `--trusted-ca-file=${pki}/etcd/ca.crt`,
    '--client-cert-auth',
    `--peer-cert-file=${pki}/etcd/etcd.crt`,
    `--peer-key-file=${pki}/etcd/etcd.key`,
    `--peer-trusted-ca-file=${pki}/etcd/ca.crt`,
    '--peer-client-cert-auth',
    ...(plane.fsync ? [] : ['--unsafe-no-fsync']),
  ]);
}

async function startApiServer(plane: ControlPlane): Promise<void> {
  const { instance, pki, state } = plane;
  const policy = join(instance.folder, 'audit-policy.json');
  await writeFile(policy, JSON.stringify(AUDIT_POLICY));
  start(plane, 'kube-apiserver', [
    '--bind-address=127.0.0.1',
    `--secure-port=${state.apiPort}`,
    '--advertise-address=127.0.0.1',
    `--etcd-servers=https://127.0.0.1:${state.etcdPort}`,
    `--etcd-cafile=${pki}/etcd/ca.crt`,
    `--etcd-certfile=${pki}/etcd/etcd.crt`,
    `--etcd-keyfile=${pki}/etcd/etcd.key`,
    `--tls-cert-file=${pki}/apiserver.crt`,
    `--tls-private-key-file=${pki}/apiserver.key`,
    `--client-ca-file=${pki}/ca.crt`,
    '--authorization-mode=Node,RBAC',
    '--anonymous-auth=false',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    '--endpoint-reconciler-type=none',
    `--service-cluster-ip-range=${SERVICE_CIDR}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--api-audiences=https://kubernetes.default.svc',
    `--service-account-key-file=${pki}/service-account.pub`,
    `--service-account-signing-key-file=${pki}/service-account.key`,
    `--kubelet-client-certificate=${pki}/kubelet-client.crt`,
    `--kubelet-client-key=${pki}/kubelet-client.key`,
    `--kubelet-certificate-authority=${pki}/ca.crt`,
    '--kubelet-preferred-address-types=InternalIP,Hostname',
    `--audit-policy-file=${policy}`,
    `--audit-log-path=${auditLogOf(instance)}`,
    '--audit-log-mode=blocking',
    '--profiling=false',
  ]);
}

async function startClients(plane: ControlPlane): Promise<void> {
  const { instance, pki, state } = plane;
  for (const name of ['kube-controller-manager', 'kube-scheduler'])
    await writeFile(join(instance.folder, `${name}.kubeconfig`), kubeconfigFor(pki, name, serverOf(state)), {
      mode: 0o600,
    });
  // Port 0: neither serves anything, so neither needs a port.
  start(plane, 'kube-controller-manager', [
    `--kubeconfig=${join(instance.folder, 'kube-controller-manager.kubeconfig')}`,
    '--leader-elect=false',
    '--secure-port=0',
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${pki}/service-account.key`,
    `--root-ca-file=${pki}/ca.crt`,
    `--cluster-signing-cert-file=${pki}/ca.crt`,
    `--cluster-signing-key-file=${pki}/ca.key`,
  ]);
  start(plane, 'kube-scheduler', [
    `--kubeconfig=${join(instance.folder, 'kube-scheduler.kubeconfig')}`,
    '--leader-elect=false',
    '--secure-port=0',
  ]);
}

/** Resolves when the API server says that it is ready. */
export async function startControlPlane(plane: ControlPlane): Promise<void> {
  const { instance, pki, state } = plane;
  startEtcd(plane);
  await startApiServer(plane);
  await startClients(plane);
  await until(
    async () => {
      for (const part of ['etcd', 'kube-apiserver'])
        if (findProcesses(instance.folder, part).length === 0)
          throw new GivenUp(`${part} ended at its start:\n${lastLines(instance.log(part))}`);
      return (await askApi(pki, serverOf(state), '/readyz')).status === 200;
    },
    { within: 90_000, what: () => `the API server's readiness (${lastLines(instance.log('kube-apiserver'), 4)})` },
  );
}

/**
 * Resolves once the controllers have done what a new namespace and a new role need of them: its account stands, and the
 * roles that are put together from others are filled.
 */
export async function controllersWork({ instance, pki, state }: ControlPlane): Promise<void> {
  const found = async (path: string): Promise<string | null> => {
    const { status, body } = await askApi(pki, serverOf(state), path);
    return status === 200 ? body : null;
  };
  await until(
    async () => {
      if (!(await found('/api/v1/namespaces/default/serviceaccounts/default'))) return false;
      const roles = await Promise.all(
        ['admin', 'edit', 'view'].map((name) => found(`/apis/rbac.authorization.k8s.io/v1/clusterroles/${name}`)),
      );
      return roles.every((role) => role !== null && (JSON.parse(role) as { rules: unknown[] | null }).rules?.length);
    },
    { within: 90_000, what: () => `the controllers (${lastLines(instance.log('kube-controller-manager'), 4)})` },
  );
}
