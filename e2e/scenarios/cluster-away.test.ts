/** A cluster that goes away, is not what it was registered as, or does not let the portal do what it must. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createAuthority } from '../../server/gateway/authority.ts';
import { kubectlAsAdmin, leftovers, nothing } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { CLUSTER, TestPortal, type Visitor } from '../portal.ts';
import { proxiedCluster, type ProxiedCluster } from '../proxied-cluster.ts';

let stack: AsyncDisposableStack;
let cluster: ProxiedCluster;
let portal: TestPortal;
let person: Visitor;
let away = false;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  cluster = stack.use(await proxiedCluster());
  portal = stack.use(await TestPortal.start({ kubeconfig: cluster.kubeconfig() }));
  person = await portal.visitor();
});
const leave = async () => {
  away = true;
  await cluster.proxy.leave();
};
const comeBack = async () => {
  if (away) await cluster.proxy.comeBack();
  away = false;
};
afterEach(comeBack);
afterAll(() => stack?.disposeAsync());

type Finding = { ok: boolean; message: string | null };
type Readiness = { components: Record<string, Finding>; clusters: Record<string, Finding> };
type Session = { id: string; state: string; endReason: string | null; endDetail: string | null };
const nothingLeft = () =>
  until(async () => JSON.stringify(await leftovers(portal)) === JSON.stringify(nothing), {
    what: async () => `nothing left: ${JSON.stringify(await leftovers(portal))}`,
  });

/** What a person is told whose session cannot open: by the answer, or by the session where that came first. */
async function refusal(): Promise<string> {
  try {
    const { session } = await person.api<{ session: Session }>('POST', '/sessions', { cluster: 'test' });
    const { endReason, endDetail } = await portal.ended(session.id);
    expect(endReason).toBe('fault');
    return endDetail!;
  } catch (error) {
    return (error as Error).message;
  }
}

it('away in mid-session: kubectl says so at once, the shell stays, and all works when it is back', async () => {
  const { id, terminal } = await person.open();
  await terminal.shows(/\$ $/);
  expect(await terminal.run('kubectl get namespace default --output name')).toBe('namespace/default\r\n');
  await leave();
  const sentence = /The cluster test cannot be reached: nothing listens at its address\./;
  expect(await terminal.run('kubectl get namespace default', 10_000)).toMatch(sentence);
  expect(await terminal.run('kubectl delete namespace no-such-namespace', 10_000)).toMatch(sentence);
  // Nothing known of the cluster: kubectl asks first what there is.
  expect(await terminal.run('rm -rf ~/.kube/cache; kubectl get pods', 10_000)).toMatch(sentence);
  expect(await terminal.run('kubectl logs -f no-such-pod', 10_000)).toMatch(sentence);
  expect(terminal.closed).toBeUndefined();

  await comeBack();
  expect(await terminal.run('kubectl get namespace default --output name')).toBe('namespace/default\r\n');
  await leave();
  await person.api('POST', `/sessions/${id}/end`);
  expect(await portal.ended(id)).toMatchObject({ endReason: 'ended-by-person', cleanupPending: true });
  await comeBack();
  await nothingLeft();
  await until(async () => !(await portal.ended(id)).cleanupPending, { what: 'the clean row' });
});

it('away at an opening: no session, and its sentence', async () => {
  await leave();
  expect(await refusal()).toMatch(/The cluster test cannot be reached: nothing listens at its address/);
  await comeBack();
  await nothingLeft();
});

it('away at a start of the portal: it starts, and says so apart from what it is ready by itself', async () => {
  await leave();
  await portal.restart();
  const said = await until(
    async () => {
      const report = (await (await fetch(`${portal.url}/readyz`)).json()) as Readiness;
      return report.clusters[CLUSTER]?.ok === false && report;
    },
    { what: 'the finding' },
  );
  expect(said.clusters[CLUSTER]!.message).toMatch(/cannot be reached/);
  expect(said.components).toMatchObject({ database: { ok: true }, engine: { ok: true } });
  expect(Object.keys(said.components)).not.toContain(CLUSTER);
});

it('another authority than its own: it is not registered', async () => {
  const { certificate: ca } = await createAuthority(new Date());
  const connection = { kind: 'kubeconfig', kubeconfig: cluster.kubeconfig({ ca }) };
  await expect(
    portal.admin('POST', '/clusters', { name: 'pretender', namespace: 'default', connection }),
  ).rejects.toMatchObject({
    status: 422,
    code: 'cluster-test-failed',
    message: expect.stringMatching(/did not prove who it is.*Check the certificate authority/),
  });
});

it('a permission of the portal that was taken away is named at the opening', async () => {
  await kubectlAsAdmin('delete', 'clusterrolebinding', cluster.account);
  // Of the account and its bindings, which are made side by side, the one that is refused first is named.
  expect(await refusal()).toMatch(/(serviceaccounts|clusterrolebindings).* is forbidden: .* cannot create resource/);
  const role = `--clusterrole=cluster-admin`;
  const subject = `--serviceaccount=default:${cluster.account}`;
  await kubectlAsAdmin('create', 'clusterrolebinding', cluster.account, role, subject);
  await nothingLeft();
});

it('a credential of the portal that is no longer valid is said at the opening', async () => {
  await kubectlAsAdmin('delete', 'serviceaccount', cluster.account, '--namespace=default');
  // The API server itself believes a token for ten seconds after its last look.
  const connection = { kind: 'kubeconfig', kubeconfig: cluster.kubeconfig() };
  const registration = { name: 'again', namespace: 'default', connection };
  const test = () => portal.admin<{ message: string | null }>('POST', '/clusters/test', registration);
  await until(async () => /no longer valid/.test((await test()).message ?? ''), { every: 500, what: 'the refusal' });
  expect(await refusal()).toMatch(/no longer valid/);
  expect((await leftovers(portal)).containers).toEqual([]);
});
