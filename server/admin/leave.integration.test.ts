/** What a portal put on a cluster, and what of it is left when it goes: with the operator's kubeconfig, and without. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { admin, type Ran } from '../../e2e/admin-command.ts';
import { startBarePortal, type BarePortal } from '../../e2e/bare-portal.ts';
import { kubectlBinaries } from '../../e2e/cluster/kubectl.ts';
import { kubectlAsAdmin } from '../../e2e/leftovers.ts';
import { testCluster } from '../../e2e/use.ts';

type Cluster = { name: string; failed?: string; removed: string[]; left: string[]; commands: string[] };

/** A new one for each test: a namespace takes seconds to go. */
let namespace: string;
const used: string[] = [];
let on: BarePortal;
let file: string;
let kubeconfig: string;
let portalId: string;
let env: Record<string, string>;

beforeAll(async () => {
  on = await startBarePortal();
  const [row] = await on.sql<{ value: string }[]>`select value from settings where key = 'portal-id'`;
  portalId = row!.value;
  await on.stop('SIGTERM');
  file = join(on.dataDir, 'objects.json');
  ({ kubeconfig } = await testCluster());
  env = { PATH: [process.env['PATH'], await kubectlBinaries()].join(delimiter) };
});
afterAll(async () => {
  for (const name of used) {
    await kubectlAsAdmin('delete', 'clusterrolebinding,clusterrole', `sallyport:${name}`, '--ignore-not-found');
    await kubectlAsAdmin('delete', 'namespace', name, '--ignore-not-found', '--wait=false');
  }
  await on[Symbol.asyncDispose]();
});
beforeEach(async () => {
  namespace = `sallyport-leave-${process.pid}-${used.length}`;
  used.push(namespace);
  // As after a removal in the portal.
  await on.sql`delete from clusters`;
});

const command = <T>(...args: string[]): Promise<Ran<T>> => admin<T>(on, args, '', env);
const add = async () => {
  const args = ['--name', 'own', '--kubeconfig', kubeconfig, '--namespace', namespace];
  expect(await command('cluster', 'add', ...args)).toMatchObject({ code: 0 });
};
async function leave(...args: string[]): Promise<Cluster> {
  const { code, said, result } = await command<{ clusters: Cluster[] }>('clusters', 'leave', ...args);
  expect({ code, said, clusters: result.clusters?.length }).toEqual({ code: 0, said: '', clusters: 1 });
  return result.clusters[0]!;
}

/** A session's account with a binding, as one that a crash has left. */
async function session(portal: string): Promise<void> {
  const labels = { 'sallyport.dev/portal': portal, 'sallyport.dev/session': randomUUID() };
  const metadata = { name: `sp-x-${portal.slice(0, 8)}`, namespace, labels };
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' };
  const items = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata, roleRef, subjects: [] },
  ];
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await kubectlAsAdmin('create', '-f', file);
}

/** Names of all that could be ours. */
async function there(): Promise<string[]> {
  const own = await kubectlAsAdmin(
    '-n',
    namespace,
    'get',
    'serviceaccounts,rolebindings,roles,resourcequotas',
    '-o',
    'name',
  );
  const wide = await kubectlAsAdmin('get', 'namespaces,clusterroles,clusterrolebindings', '-o', 'name');
  return [
    ...own.split('\n').filter((name) => name && name !== 'serviceaccount/default'),
    ...wide.split('\n').filter((name) => name.includes(namespace)),
  ].map((name) => name.replace('.rbac.authorization.k8s.io', ''));
}

/** Runs what an administrator of the cluster was told to. */
async function follow(commands: string[]): Promise<void> {
  for (const line of commands) await kubectlAsAdmin(...line.split(' ').slice(1));
}

test('with the operator’s kubeconfig nothing is left', async () => {
  await add();
  await session(portalId);
  expect(await there()).toHaveLength(9);
  expect(await leave('--kubeconfig', kubeconfig)).toMatchObject({ name: 'own', left: [], commands: [] });
  expect(await there()).toEqual([]);
  expect(await command('clusters', 'leave')).toMatchObject({ code: 0, result: { clusters: [] } });
});

test('without it the portal’s own account removes itself last: no credential is left, and what is left is said', async () => {
  await add();
  await session(portalId);
  const { left, commands } = await leave();
  expect(left).toEqual([`namespace ${namespace}, ClusterRole sallyport:${namespace}`]);
  expect(await there()).toEqual([
    'rolebinding/sallyport',
    'role/sallyport',
    'resourcequota/no-pods',
    `namespace/${namespace}`,
    `clusterrole/sallyport:${namespace}`,
  ]);
  await follow(commands);
  expect(await there()).toEqual([]);
});

test('an account that another portal uses stays, with that portal’s sessions', async () => {
  await add();
  const other = '00000000-0000-4000-8000-000000000000';
  await kubectlAsAdmin('-n', namespace, 'annotate', 'sa', 'sallyport-portal', `portal.sallyport.dev/${other}=in-use`);
  await session(other);
  await session(portalId);
  const mine = `serviceaccount/sp-x-${portalId.slice(0, 8)}`;
  for (const args of [[], ['--kubeconfig', kubeconfig]]) {
    if (args.length) await add();
    const { left } = await leave(...args);
    expect(left).toEqual([`account sallyport-portal in namespace ${namespace}, which 1 other portal(s) use`]);
    const now = await there();
    expect(now).toEqual(expect.arrayContaining(['serviceaccount/sp-x-00000000', 'serviceaccount/sallyport-portal']));
    expect(now).not.toContain(mine);
  }
});

test('a namespace that was there before stays, with what is somebody else’s in it', async () => {
  await kubectlAsAdmin('create', 'namespace', namespace);
  await kubectlAsAdmin('-n', namespace, 'create', 'serviceaccount', 'theirs');
  await add();
  expect(await leave('--kubeconfig', kubeconfig)).toMatchObject({
    left: [`namespace ${namespace}, which was there before`],
  });
  expect(await there()).toEqual(['serviceaccount/theirs', `namespace/${namespace}`]);
});

test('a cluster that cannot be reached stays registered, and all commands are said', async () => {
  await add();
  await session(portalId);
  await on.sql`update clusters set server = 'https://127.0.0.1:1' where name = 'own'`;
  expect(await command('clusters', 'leave', '--kubeconfig', kubeconfig)).toMatchObject({
    code: 1,
    said: expect.stringContaining('where no registered cluster is'),
  });
  const { failed, commands } = await leave();
  expect(failed).toContain('nothing listens');
  expect(commands).toHaveLength(3);
  expect(await on.sql`select 1 from clusters where removed_at is null`).toHaveLength(1);
  await follow(commands.slice(0, 2));
  expect(await there()).toEqual([
    'serviceaccount/sallyport-portal',
    'rolebinding/sallyport',
    'role/sallyport',
    'resourcequota/no-pods',
    `namespace/${namespace}`,
  ]);
});
