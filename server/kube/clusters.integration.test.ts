/**
 * Registering real clusters: install, test, permissions, sealing, addresses, and the accounts of sessions. Long, as
 * all of it is about one cluster and one registry.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { openDatabase, type Database } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { Notifications, notify } from '../../db/notifications.ts';
import { findCluster } from '../../db/queries/clusters.ts';
import { kubectlBinaries } from '../../e2e/cluster/kubectl.ts';
import { testDatabase, type TestDatabase } from '../../e2e/database.ts';
import { adminConnection } from '../../e2e/gateway.ts';
import { until } from '../../e2e/machine/until.ts';
import { testCluster } from '../../e2e/use.ts';
import type { AuditEvent } from '../domain/audit-codes.ts';
import { Sealer } from '../crypto/sealing.ts';
import { SessionAccounts } from './accounts.ts';
import { KubeClient } from './client.ts';
import { ClusterHealthWatch } from './health.ts';
import { type Installed, installPortalAccount } from './install.ts';
import { type Actor, ClusterRegistry, type Registration } from './registry.ts';

const namespace = `sallyport-clusters-${process.pid}`;
const by: Actor = { actorId: null, actor: 'tester' };
let database: TestDatabase;
let db: Database;
let registry: ClusterRegistry;
let admin: KubeClient;
let installed: Installed;
let clusterRoles = ['edit', 'view'];
const recorded: AuditEvent[] = [];
const audit = { record: async (event: AuditEvent) => void recorded.push(event) };
const stack = new AsyncDisposableStack();

function newRegistry(sealer: Sealer, allowPrivate: boolean | string[] = true): ClusterRegistry {
  const notifications = { on: () => () => {}, onReset: () => () => {}, announce: notify };
  const now = () => new Date();
  const facts = { db: db.db, notifications, sealer, audit, now, clusterRoles: async () => clusterRoles };
  return stack.use(new ClusterRegistry({ ...facts, addresses: { allowPrivate } }));
}

function newHealthWatch(notifications: Notifications): ClusterHealthWatch {
  const onFault = (error: unknown) => expect(error).toBeUndefined();
  const facts = { registry, notifications, audit, now: () => new Date(), onFault };
  return new ClusterHealthWatch({ ...facts, clusterRoles: async () => clusterRoles });
}

function byToken(over: { server?: string; ca?: string; token?: string } = {}): Registration {
  const { server, ca } = installed.address;
  const connection = { kind: 'token' as const, server, ca, token: installed.token.token, ...over };
  return { name: `c-${randomUUID().slice(0, 8)}`, production: false, actAs: 'account' as const, namespace, connection };
}

beforeAll(async () => {
  database = stack.use(await testDatabase());
  await migrate({ url: database.url, portalRole: new URL(database.url).username });
  db = stack.use(openDatabase(database.url));
  registry = newRegistry(new Sealer([randomBytes(32)]));
  admin = new KubeClient(stack.use(await adminConnection(namespace)));
  const kubectl = join(await kubectlBinaries(), 'kubectl');
  const { kubeconfig } = await testCluster();
  installed = await installPortalAccount({
    kubectl,
    kubeconfig,
    namespace,
    clusterRoles,
    portalId: randomUUID(),
    actAs: 'account',
  });
});
afterAll(async () => {
  await admin.send({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` });
  for (const kind of ['clusterroles', 'clusterrolebindings'])
    await admin.send({ method: 'DELETE', path: `/apis/rbac.authorization.k8s.io/v1/${kind}/sallyport:${namespace}` });
  await stack.disposeAsync();
});

describe("the portal's own account", () => {
  test('installed by kubectl, it has every permission that is checked, and installing again changes nothing', async () => {
    const kubectl = join(await kubectlBinaries(), 'kubectl');
    const { kubeconfig } = await testCluster();
    await installPortalAccount({
      kubectl,
      kubeconfig,
      namespace,
      clusterRoles,
      portalId: randomUUID(),
      actAs: 'account',
    });
    const result = await registry.test(byToken());
    expect(result).toMatchObject({ ok: true, version: 'v1.36.3', message: null, missingPermissions: [] });
    expect(result.latencyMs).toBeGreaterThan(0);
  });

  test('a kubeconfig that gets its credential from a program, as those of EKS, GKE and AKS do', async () => {
    const kubectl = join(await kubectlBinaries(), 'kubectl');
    const config = parse(readFileSync((await testCluster()).kubeconfig, 'utf8')) as {
      users: { name: string; user: Record<string, unknown> }[];
    };
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-plugin-'));
    const inClear = (field: string) => Buffer.from(String(config.users[0]!.user[field]), 'base64').toString();
    const status = {
      clientCertificateData: inClear('client-certificate-data'),
      clientKeyData: inClear('client-key-data'),
    };
    const apiVersion = 'client.authentication.k8s.io/v1';
    const [plugin, kubeconfig] = [join(folder, 'plugin'), join(folder, 'kubeconfig')];
    const credential = JSON.stringify({ apiVersion, kind: 'ExecCredential', status });
    writeFileSync(plugin, `#!/bin/sh\ncat <<'END'\n${credential}\nEND\n`, { mode: 0o700 });
    const exec = { apiVersion, command: plugin, interactiveMode: 'Never' };
    const users = config.users.map(({ name }) => ({ name, user: { exec } }));
    writeFileSync(kubeconfig, JSON.stringify({ ...config, users }));
    const { token } = await installPortalAccount({
      actAs: 'account',
      kubectl,
      kubeconfig,
      namespace,
      clusterRoles,
      portalId: randomUUID(),
    });
    rmSync(folder, { recursive: true });
    expect(await registry.test(byToken({ token: token.token }))).toMatchObject({ ok: true });
  });

  test('each missing permission is named', async () => {
    clusterRoles = ['edit', 'view', 'cluster-admin'];
    const result = await registry.test(byToken());
    clusterRoles = ['edit', 'view'];
    expect(result).toMatchObject({ ok: false, missingPermissions: ['bind clusterroles "cluster-admin"'] });
  });

  test('an account without rights lacks all of them', async () => {
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await admin.json({ method: 'POST', path: accounts, body: { metadata: { name: 'nobody' } } });
    const { status } = await admin.json<{ status: { token: string } }>({
      method: 'POST',
      path: `${accounts}/nobody/token`,
      body: { spec: {} },
    });
    const { missingPermissions } = await registry.test(byToken({ token: status.token }));
    expect(missingPermissions).toContain(`create serviceaccounts/token in namespace ${namespace}`);
    expect(missingPermissions).toContain('create clusterrolebindings');
    expect(missingPermissions).toHaveLength(13);
  });

  test('it is refused what it has no need of', async () => {
    const cluster = await registry.register(byToken(), by);
    const portal = await registry.client(cluster.id);
    const paths = [
      '/api/v1/secrets',
      '/api/v1/pods',
      `/api/v1/namespaces/${namespace}/secrets`,
      '/api/v1/namespaces/default/serviceaccounts',
    ];
    for (const path of paths) expect(await portal.send({ method: 'GET', path })).toMatchObject({ status: 403 });
    const body = {
      metadata: { name: `forbidden-${process.pid}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name: 'sallyport-portal', namespace }],
    };
    const path = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
    expect(await portal.send({ method: 'POST', path, body })).toMatchObject({ status: 403 });
    await registry.remove(cluster.id, by);
  });
});

describe('registering', () => {
  test('a cluster: listed without its credential, which is sealed; removed, its name is free again', async () => {
    const registration = byToken();
    const cluster = await registry.register(registration, by);
    expect(JSON.stringify(cluster)).not.toContain(installed.token.token);
    expect((await registry.get(registration.name)).id).toBe(cluster.id);
    const row = (await findCluster(db.db, cluster.id))!;
    expect(row.credential.includes(installed.token.token.slice(0, 20))).toBe(false);
    await expect(newRegistry(new Sealer([randomBytes(32)])).connection(cluster.id)).rejects.toMatchObject({
      code: 'unsealing-failed',
    });
    await expect(registry.register(registration, by)).rejects.toMatchObject({
      code: 'cluster-name-taken',
      status: 409,
    });
    await registry.remove(cluster.id, by);
    await expect(registry.get(registration.name)).rejects.toMatchObject({ code: 'cluster-unknown' });
    await expect(registry.connection(cluster.id)).rejects.toMatchObject({ code: 'cluster-unknown' });
    expect((await findCluster(db.db, cluster.id))!.credential).toHaveLength(0);
    await registry.remove((await registry.register(registration, by)).id, by);
    expect(recorded.map(({ code }) => code)).toContain('cluster.removed');
    expect(JSON.stringify(recorded)).not.toContain(installed.token.token);
  });

  test("an administrator's kubeconfig with a client certificate", async () => {
    const kubeconfig = readFileSync((await testCluster()).kubeconfig, 'utf8');
    const result = await registry.test({
      name: 'uploaded',
      actAs: 'account',
      production: false,
      namespace,
      connection: { kind: 'kubeconfig', kubeconfig },
    });
    expect(result).toMatchObject({ ok: true });
    expect(parse(kubeconfig)).toBeTruthy();
  });

  test.each([
    ['the wrong authority', { ca: 'other' }, /did not prove who it is/],
    ['an expired or wrong token', { token: 'nonsense' }, /no longer valid/],
    ['nobody there', { server: 'https://127.0.0.1:1' }, /nothing listens/],
    ['a name that does not resolve', { server: 'https://no-such-name.invalid' }, /does not resolve/],
    ['metadata', { server: 'https://169.254.169.254' }, /metadata/],
    ['metadata in IPv6 clothes', { server: 'https://[::ffff:169.254.169.254]' }, /metadata/],
  ])('%s is said, and nothing is saved', async (_, over, sentence) => {
    const ca = 'ca' in over ? { ca: otherAuthority } : {};
    const registration = byToken({ ...over, ...ca });
    const result = await registry.test(registration).catch((error: Error) => ({ ok: false, message: error.message }));
    expect(result.ok).toBe(false);
    expect(result.message).toMatch(sentence);
    await expect(registry.register(registration, by)).rejects.toMatchObject({ status: 422 });
    await expect(registry.get(registration.name)).rejects.toMatchObject({ code: 'cluster-unknown' });
  });

  test('private addresses only where the operator allows them, by name too', async () => {
    const strict = newRegistry(new Sealer([randomBytes(32)]), false);
    await expect(strict.test(byToken())).rejects.toMatchObject({ code: 'address-refused' });
    const { port } = new URL(installed.address.server);
    const result = await strict.test(byToken({ server: `https://localhost:${port}` }));
    expect(result.message).toContain('the operator has not allowed (SALLYPORT_CLUSTER_PRIVATE)');
    const elsewhere = newRegistry(new Sealer([randomBytes(32)]), ['10.0.0.0/8']);
    await expect(elsewhere.test(byToken())).rejects.toMatchObject({ code: 'address-refused' });
    const here = newRegistry(new Sealer([randomBytes(32)]), ['10.0.0.0/8', '127.0.0.1']);
    expect(await here.test(byToken())).toMatchObject({ ok: true });
  });

  test('one that the operator installed has the operator’s word for its address, and for no other', async () => {
    const key = randomBytes(32);
    const strict = newRegistry(new Sealer([key]), false);
    const facts = { name: `o-${process.pid}`, production: false, actAs: 'account' as const, namespace };
    const { id } = await strict.install(facts, installed.address, installed.token, by);
    expect((await (await strict.client(id)).send({ method: 'GET', path: '/version' })).status).toBe(200);
    await expect(strict.test(byToken())).rejects.toMatchObject({
      code: 'address-refused',
      next: expect.stringContaining('SALLYPORT_CLUSTER_PRIVATE'),
    });
    const metadata = { ...installed.address, server: 'https://169.254.169.254' };
    await strict.install(facts, metadata, installed.token, by);
    await expect(strict.client(id)).rejects.toMatchObject({ code: 'address-refused' });
    await strict.remove(id, by);
  });
});

test('health: version and latency, and a managed token renewed before it ends', async () => {
  const token = { ...installed.token, expiresAt: new Date(Date.now() + 3_600_000) };
  const cluster = await registry.install(
    { name: `m-${process.pid}`, production: true, actAs: 'account', namespace },
    installed.address,
    token,
    by,
  );
  await using notifications = new Notifications(database.url);
  await notifications.start();
  await using health = newHealthWatch(notifications);
  await health.look();
  expect(health.of(cluster.id)).toMatchObject({ state: 'healthy', version: 'v1.36.3', missingPermissions: [] });
  const renewed = await registry.get(cluster.id);
  expect(renewed.credentialExpiresAt!.getTime()).toBeGreaterThan(Date.now() + 7 * 24 * 3_600_000);
  expect(await registry.test(byToken())).toMatchObject({ ok: true });
  expect(recorded.map(({ code }) => code)).toContain('cluster.credential-renewed');
  await registry.remove(cluster.id, by);
});

test('health: a cluster that another process registers is looked at without delay, and forgotten once it is removed', async () => {
  await using notifications = new Notifications(database.url);
  await notifications.start();
  await using health = newHealthWatch(notifications);
  await health.look();
  const elsewhere = newRegistry(new Sealer([randomBytes(32)]));
  const token = { ...installed.token, expiresAt: new Date(Date.now() + 30 * 24 * 3_600_000) };
  const facts = { name: `h-${process.pid}`, production: false, actAs: 'account' as const, namespace };
  // Sealed with another key: this process cannot open it, which a look finds out as well.
  const { id } = await elsewhere.install(facts, installed.address, token, by);
  const seen = (state: string) => until(() => health.of(id).state === state, { within: 10_000, what: state });
  await seen('unreachable');
  await registry.install(facts, installed.address, token, by);
  await seen('healthy');
  await registry.remove(id, by);
  await seen('unknown');
});

describe('session accounts, made with no more than the manifest grants', () => {
  const portalId = randomUUID();
  let accounts: SessionAccounts;
  let clusterId: string;
  beforeAll(async () => {
    clusterId = (await registry.register(byToken(), by)).id;
    accounts = new SessionAccounts({
      portalId,
      cluster: async (id) => ({ client: await registry.client(id), namespace, actAs: 'account' as const }),
      now: () => new Date(),
    });
  });

  function account(namespaces: string[]) {
    const sessionId = randomUUID();
    return { sessionId, serviceAccount: `sp-t-${sessionId.slice(0, 8)}`, clusterRoles: ['edit', 'view'], namespaces };
  }

  test('bound in the namespaces of the role and nowhere else; removed without a trace', async () => {
    const spec = account(['default', 'kube-public']);
    const { token, expiresAt } = await accounts.create(clusterId, spec, 60_000);
    // Kubernetes' least, and not much more.
    expect(expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(610_000);
    const { endpoint, name } = await registry.connection(clusterId);
    const asSession = new KubeClient({ name, portal: { endpoint, authorization: `Bearer ${token}` } });
    const status = async (path: string) => (await asSession.send({ method: 'GET', path })).status;
    expect(await status('/api/v1/namespaces/default/configmaps')).toBe(200);
    expect(await status('/api/v1/namespaces/kube-system/configmaps')).toBe(403);
    expect(await status('/api/v1/nodes')).toBe(403);
    expect(await accounts.list(clusterId)).toEqual([{ sessionId: spec.sessionId, createdAt: expect.any(Date) }]);
    // Making it again, as after a crash, is no error.
    await accounts.create(clusterId, spec, 60_000);
    await accounts.remove(clusterId, spec.sessionId);
    await accounts.remove(clusterId, spec.sessionId);
    expect(await accounts.list(clusterId)).toEqual([]);
    const found = await admin.json<{ items: unknown[] }>({
      method: 'GET',
      path: `/apis/rbac.authorization.k8s.io/v1/rolebindings?labelSelector=sallyport.dev/portal%3D${portalId}`,
    });
    expect(found.items).toEqual([]);
  });

  test('a role that the portal may not bind is refused by the cluster, in a sentence', async () => {
    const spec = { ...account([]), clusterRoles: ['cluster-admin'] };
    await expect(accounts.create(clusterId, spec, 60_000)).rejects.toMatchObject({
      code: 'cluster-refused',
      message: expect.stringContaining('cluster-admin'),
    });
    await accounts.remove(clusterId, spec.sessionId);
  });

  test("another portal's accounts are not touched", async () => {
    const foreign = new SessionAccounts({
      portalId: randomUUID(),
      cluster: async (id) => ({ client: await registry.client(id), namespace, actAs: 'account' as const }),
      now: () => new Date(),
    });
    const spec = account([]);
    await foreign.create(clusterId, spec, 60_000);
    expect(await accounts.list(clusterId)).toEqual([]);
    await accounts.remove(clusterId, spec.sessionId);
    expect(await foreign.list(clusterId)).toHaveLength(1);
    await foreign.remove(clusterId, spec.sessionId);
  });
});

/** A real certificate that has signed nothing here. */
const otherAuthority = `-----BEGIN CERTIFICATE-----
MIIBjzCCATWgAwIBAgIUEFuQRrI/b1TWQNJXhP4yXpve9rIwCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRYW5vdGhlciBhdXRob3JpdHkwIBcNMjYxMTIyMTc0OTQ0WhgP
MjEyNjEwMjkxNzQ5NDRaMBwxGjAYBgNVBAMMEWFub3RoZXIgYXV0aG9yaXR5MFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWyCd5xQL8gQir+/m+ChvN8YBAYrJBghy
FFXnRP9uolIVsCbCcMy5vchPCq56OgAWS+zQeL7+hzGYM4386p6Bo6NTMFEwHQYD
VR0OBBYEFKwW6rrb01TFtwVO9iDEMDAaoa2VMB8GA1UdIwQYMBaAFKwW6rrb01TF
twVO9iDEMDAaoa2VMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIh
AOfMTDGeXrK9isvcKZzBgB+cn0jliDvdCVlNj3Let6yiAiBx8WGnVxae0SqAQmc+
yoanmGfo1xja15h3jfgvRrSqXA==
-----END CERTIFICATE-----
`;
