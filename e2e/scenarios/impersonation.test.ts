/** A cluster where sessions act as their person, impersonated by the portal's account: the second way upstream. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { applyAsAdmin, kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { issueKubeconfig, OwnTools } from '../own-tools.ts';
import { CLUSTER, TestPortal, type Visitor } from '../portal.ts';
import { testCluster } from '../use.ts';

let portal: TestPortal;
let place: string;
let namespace: string;
let role: string;
let ann: Visitor;
const cleanUp: string[][] = [];

beforeAll(async () => {
  portal = await TestPortal.start({ kubeconfig: null });
  const id = (await portal.id()).slice(0, 8);
  place = `sallyport-${id}`;
  namespace = `team-${id}`;
  role = await portal.role();
  // As an operator sets it up: the portal's own manifest, applied, and a token of that account.
  const asked = await fetch(`${portal.url}/api/v1/clusters/manifest?namespace=${place}&actAs=impersonation`, {
    headers: { authorization: `Bearer ${portal.adminToken}` },
  });
  const manifest = await asked.text();
  cleanUp.push(['delete', 'clusterrole,clusterrolebinding', `sallyport:${place}`]);
  cleanUp.push(['delete', 'namespace', place, '--wait=false'], ['delete', 'namespace', namespace, '--wait=false']);
  await applyAsAdmin(manifest);
  const token = (await kubectlAsAdmin('create', 'token', 'sallyport-portal', '-n', place)).trim();
  const admins = parse(readFileSync((await testCluster()).kubeconfig, 'utf8')) as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  };
  const { server, 'certificate-authority-data': ca } = admins.clusters[0]!.cluster;
  const connection = { kind: 'token', server, ca: Buffer.from(ca, 'base64').toString(), token };
  await portal.admin('POST', '/clusters', { name: CLUSTER, namespace: place, actAs: 'impersonation', connection });
  ann = await portal.visitor([role]);
  await kubectlAsAdmin('create', 'namespace', namespace);
  // The cluster's rights are the cluster's: by the group, not by the role's ClusterRoles.
  await kubectlAsAdmin('create', 'rolebinding', 'team', '--clusterrole=edit', `--group=${role}`, '-n', namespace);
});
afterAll(async () => {
  for (const args of cleanUp) await kubectlAsAdmin(...args).catch(() => {});
  await portal?.[Symbol.asyncDispose]();
});

it('has all that it needs, by its own manifest', async () => {
  const healthy = async () => {
    const { health } = await portal.admin<{ health: { state: string; missingPermissions: string[] } }>(
      'GET',
      `/clusters/${CLUSTER}`,
    );
    return health.state === 'healthy' && health;
  };
  expect(await until(healthy, { what: 'the cluster’s health' })).toMatchObject({ missingPermissions: [] });
});

it('acts as the person, with the groups that give the role, and names the session', async () => {
  const { kubeconfig, id } = await issueKubeconfig(ann);
  using tools = await OwnTools.with(kubeconfig);
  const { code, stdout } = await tools.kubectl('auth', 'whoami', '-o=json');
  expect(code).toBe(0);
  expect((JSON.parse(stdout) as { status: { userInfo: object } }).status.userInfo).toEqual({
    username: ann.email,
    uid: ann.id,
    groups: [role, 'system:authenticated'],
    extra: { 'sallyport-session': [id] },
  });
  expect(await tools.kubectl('create', 'configmap', 'x', '-n', namespace)).toMatchObject({ code: 0 });
  expect(await tools.kubectl('get', 'pods', '-n', 'kube-system')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`User "${ann.email}" cannot list resource "pods"`),
  });
  // Nothing of the session's is on the cluster.
  const selector = `--selector=sallyport.dev/session=${id}`;
  expect(await kubectlAsAdmin('get', 'sa,rolebindings,clusterrolebindings', '-A', selector, '-o=name')).toBe('');
});

it('is in the cluster’s own audit log as the person, under our Audit-ID', async () => {
  const { kubeconfig, id } = await issueKubeconfig(ann);
  using tools = await OwnTools.with(kubeconfig);
  expect(await tools.kubectl('get', 'configmaps', '-n', namespace)).toMatchObject({ code: 0 });
  const [ours] = await until(
    async () => {
      const rows = await portal.sql<{ audit: string }[]>`
        select audit_id as audit from audit_events
        where session_id = ${id} and code = 'api.finished' and detail->>'resource' = 'configmaps'`;
      return rows.length > 0 && rows;
    },
    { what: 'the call in our log' },
  );
  const { auditLog } = await testCluster();
  const line = await until(
    async () =>
      readFileSync(auditLog, 'utf8')
        .split('\n')
        .find((text) => text.includes(ours!.audit)),
    {
      what: 'the call in the cluster’s log',
    },
  );
  expect(JSON.parse(line)).toMatchObject({
    user: { username: `system:serviceaccount:${place}:sallyport-portal` },
    impersonatedUser: { username: ann.email, groups: [role, 'system:authenticated'] },
  });
});

it('lets nobody be somebody else by headers of their own', async () => {
  const { kubeconfig } = await issueKubeconfig(ann);
  using tools = await OwnTools.with(kubeconfig);
  for (const as of [['--as=root'], ['--as=root', '--as-group=system:masters'], ['--as=x', '--as-uid=1']])
    expect(await tools.kubectl('get', 'nodes', ...as)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Acting as somebody else'),
    });
});

it('refuses somebody whose name Kubernetes keeps for itself', async () => {
  const eve = await portal.visitor([role]);
  await portal.sql`update users set email = 'system:admin' where id = ${eve.id}`;
  await portal.notify('user', eve.id);
  const { kubeconfig } = await issueKubeconfig(eve);
  using tools = await OwnTools.with(kubeconfig);
  expect(await tools.kubectl('get', 'nodes')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('one that Kubernetes keeps for itself'),
  });
});

it('a shell acts so, too; how sessions act cannot be changed beneath it', async () => {
  const { id, terminal } = await ann.open();
  expect(await terminal.run('kubectl auth whoami -o=jsonpath="{.status.userInfo.username}"')).toContain(ann.email);
  await expect(portal.admin('PATCH', `/clusters/${CLUSTER}`, { actAs: 'account' })).rejects.toMatchObject({
    code: 'cluster-in-use',
  });
  await ann.api('POST', `/sessions/${id}/end`);
  await portal.ended(id);
  await portal.admin('PATCH', `/clusters/${CLUSTER}`, { actAs: 'account' });
  const { kubeconfig, id: next } = await issueKubeconfig(ann);
  using tools = await OwnTools.with(kubeconfig);
  const { stdout } = await tools.kubectl('auth', 'whoami', '-o=jsonpath={.status.userInfo.username}');
  expect(stdout).toMatch(new RegExp(`^system:serviceaccount:${place}:sp-.*${next.replaceAll('-', '').slice(0, 12)}$`));
});
