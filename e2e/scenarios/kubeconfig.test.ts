/** A kubeconfig for people's own tools: what it opens, for how long, and what ends it. */
import { request } from 'node:https';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../machine/until.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { issueKubeconfig, OwnTools, tokenIn } from '../own-tools.ts';
import { CLUSTER, TestPortal } from '../portal.ts';

let portal: TestPortal;
let namespace: string;
beforeAll(async () => {
  portal = await TestPortal.start();
  namespace = `own-tools-${(await portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
});
afterAll(async () => {
  if (namespace) await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
  await portal?.[Symbol.asyncDispose]();
});

const stateOf = async (id: string): Promise<string> =>
  (await portal.sql<{ state: string }[]>`select state from access_sessions where id = ${id}`)[0]!.state;

/** What the session has on the cluster. */
const accountsOf = async (id: string): Promise<string> =>
  kubectlAsAdmin(
    'get',
    'serviceaccounts,rolebindings,clusterrolebindings',
    '--all-namespaces',
    `--selector=sallyport.dev/session=${id}`,
    '--output=name',
  );

it('nothing is on the cluster before the first call, and nothing after the revocation', async () => {
  const person = await portal.visitor([await portal.role()]);
  const { kubeconfig, id } = await issueKubeconfig(person);
  using tools = await OwnTools.with(kubeconfig);
  expect(await stateOf(id)).toBe('dormant');
  expect(await accountsOf(id)).toBe('');
  expect(await tools.kubectl('get', 'pods', `--namespace=${namespace}`)).toMatchObject({ code: 0 });
  expect(await accountsOf(id)).toContain('serviceaccount/');
  const watch = tools.start('kubectl', ['get', 'configmaps', '--watch', '--all-namespaces']);
  await until(async () => watch.output().includes('kube-root-ca.crt'), { what: 'the watch' });
  await person.api('DELETE', `/me/kubeconfigs/${id}`);
  const began = performance.now();
  // The very first call after it, and what runs ends within a second.
  expect(await tools.kubectl('get', 'pods')).toMatchObject({ code: 1 });
  await watch.ended;
  expect(performance.now() - began).toBeLessThan(1_000);
  expect(await portal.ended(id)).toMatchObject({ endReason: 'ended-by-person', cleanupPending: false });
  expect(await accountsOf(id)).toBe('');
  const { items } = await person.api<{ items: unknown[] }>('GET', '/me/kubeconfigs');
  expect(items).toEqual([]);
});

it('an idle one goes dormant and loses its account; the next call wakes it under the same id, unnoticed', async () => {
  const person = await portal.visitor([await portal.role({ idleMs: 3_000 })]);
  const { kubeconfig, id } = await issueKubeconfig(person);
  using tools = await OwnTools.with(kubeconfig);
  const look = () => tools.kubectl('get', 'pods', `--namespace=${namespace}`);
  expect(await look()).toMatchObject({ code: 0 });
  await until(async () => (await stateOf(id)) === 'dormant', { within: 15_000, what: 'the sleep' });
  await until(async () => (await accountsOf(id)) === '', { what: 'the end of its account' });
  expect(await look()).toMatchObject({ code: 0 });
  expect(await stateOf(id)).toBe('active');
  const events = await until(
    async () => {
      const rows = await portal.sql<{ code: string }[]>`
        select code from audit_events where session_id = ${id} and code like 'session.%' order by at`;
      return rows.length >= 3 ? rows.map(({ code }) => code) : undefined;
    },
    { what: 'what became of it in the audit log' },
  );
  expect(events.slice(0, 3)).toEqual(['session.woken', 'session.dormant', 'session.woken']);
});

it('where the role says so an idle one sleeps until its person wakes it in the portal', async () => {
  const role = await portal.role({ idleMs: 3_000 });
  await portal.sql`update roles set wake_by = 'person' where name = ${role}`;
  await portal.notify('role', role);
  const person = await portal.visitor([role]);
  const { kubeconfig, id } = await issueKubeconfig(person);
  using tools = await OwnTools.with(kubeconfig);
  const look = () => tools.kubectl('get', 'pods', `--namespace=${namespace}`);
  // The first call finds one that nothing has put to sleep.
  expect(await look()).toMatchObject({ code: 0 });
  await until(async () => (await stateOf(id)) === 'dormant', { within: 15_000, what: 'the sleep' });
  const refused = await look();
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/Your kubeconfig for "test" sleeps: nobody used it for 1 minute/);
  expect(refused.stderr).toContain(`Wake it at ${portal.url}/account`);
  expect(await stateOf(id)).toBe('dormant');
  expect(await accountsOf(id)).toBe('');
  // Nobody else does, and no program.
  const stranger = await portal.visitor([role]);
  const at = `/me/kubeconfigs/${id}/wake`;
  await expect(stranger.api('POST', at)).rejects.toMatchObject({ code: 'session-not-found' });
  const { token } = await person.api<{ token: string }>('POST', '/me/tokens', {
    name: 'a program',
    scopes: ['read', 'sessions'],
    days: 1,
  });
  const headers = { authorization: `Bearer ${token}` };
  expect((await fetch(`${portal.url}/api/v1${at}`, { method: 'POST', headers })).status).toBe(403);
  const listed = async () =>
    (await person.api<{ items: { id: string; waits: boolean }[] }>('GET', '/me/kubeconfigs')).items;
  expect(await listed()).toMatchObject([{ id, waits: true }]);
  await person.api('POST', at);
  expect(await listed()).toMatchObject([{ id, waits: false }]);
  expect(await look()).toMatchObject({ code: 0 });
  await until(
    async () => {
      const rows = await portal.sql<{ actor: string }[]>`
        select actor from audit_events where session_id = ${id} and code = 'session.woken'`;
      return rows.some(({ actor }) => actor === person.email);
    },
    { what: 'who woke it on record' },
  );
  // Ended never returns.
  await person.api('DELETE', `/me/kubeconfigs/${id}`);
  await expect(person.api('POST', at)).rejects.toMatchObject({ code: 'credential-revoked' });
});

it('an account that somebody removed on the cluster is made anew, unnoticed', async () => {
  const person = await portal.visitor([await portal.role()]);
  const { kubeconfig, id } = await issueKubeconfig(person);
  using tools = await OwnTools.with(kubeconfig);
  const look = () => tools.kubectl('get', 'pods', `--namespace=${namespace}`);
  expect(await look()).toMatchObject({ code: 0 });
  await kubectlAsAdmin('delete', 'serviceaccounts', '--all-namespaces', `--selector=sallyport.dev/session=${id}`);
  // The API server remembers a token that it has seen for some seconds.
  await until(async () => (await look()).code === 0 && (await accountsOf(id)).includes('serviceaccount/'), {
    within: 30_000,
    what: 'another account',
  });
});

it('its time, a disabled person, a lost role: each ends it at the next call, and says so', async () => {
  const role = await portal.role();
  const person = await portal.visitor([role]);
  const call = async (kubeconfig: string) => {
    const answer = await fetchThrough(`/k8s/${CLUSTER}/api/v1/namespaces/${namespace}/pods`, tokenIn(kubeconfig));
    return { status: answer.status, code: answer.headers['x-sallyport-error-code'] };
  };
  const first = await issueKubeconfig(person);
  expect(await call(first.kubeconfig)).toMatchObject({ status: 200 });
  await portal.admin('PATCH', `/users/${person.id}`, { disabled: true });
  expect(await call(first.kubeconfig)).toEqual({ status: 401, code: 'credential-revoked' });
  const other = await portal.visitor([role]);
  const second = await issueKubeconfig(other);
  await portal.admin('DELETE', `/roles/${role}`);
  expect(await call(second.kubeconfig)).toEqual({ status: 401, code: 'credential-revoked' });
  expect(await portal.ended(second.id)).toMatchObject({ endReason: 'revoked' });
  const third = await portal.visitor([await portal.role({ hardCapMs: 3_000 })]);
  const short = await issueKubeconfig(third);
  expect(await call(short.kubeconfig)).toMatchObject({ status: 200 });
  expect(await portal.ended(short.id)).toMatchObject({ endReason: 'hard-cap' });
  expect(await call(short.kubeconfig)).toMatchObject({ status: 401 });
});

it('a credential opens its own cluster only, and a shell’s credential nothing here', async () => {
  const person = await portal.visitor([await portal.role()]);
  const { kubeconfig } = await issueKubeconfig(person);
  const token = tokenIn(kubeconfig);
  const codeOf = async (path: string, bearer: string | null) => {
    const { status, headers } = await fetchThrough(path, bearer);
    return [status, headers['x-sallyport-error-code']];
  };
  expect(await codeOf('/k8s/elsewhere/api', token)).toEqual([403, 'cluster-mismatch']);
  expect(await codeOf('/k8s', token)).toEqual([404, 'not-found']);
  expect(await codeOf('/k8s/../k8s/test/api', token)).toEqual([404, 'not-found']);
  expect(await codeOf(`/K8S/${CLUSTER}/api`, token)).toEqual([404, 'not-found']);
  expect(await codeOf(`/k8s/${CLUSTER}%2fapi`, token)).toEqual([404, 'not-found']);
  expect(await codeOf(`/k8s/${CLUSTER}/api`, null)).toEqual([401, 'credential-missing']);
  expect(await codeOf(`/k8s/${CLUSTER}/api`, `${token.slice(0, -8)}AAAAAAAA`)).toEqual([401, 'token-invalid']);
  // The shell's own, read where the session host keeps it.
  const { id, terminal } = await person.open();
  await terminal.shows(/\$ $/);
  terminal.type('cat /run/sallyport-user/token\r');
  const [stolen] = await terminal.shows(/eyJ[\w-]+\.[\w-]+\.[\w-]+/);
  expect(await codeOf(`/k8s/${CLUSTER}/api`, stolen)).toEqual([401, 'token-invalid']);
  await person.api('POST', `/sessions/${id}/end`);
});

it('an error names its page, which the portal has; a caller’s trace is its trace', async () => {
  const { headers } = await fetchThrough('/k8s/test/api', null, {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  });
  expect(headers['traceresponse']).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
  expect(headers['x-correlation-id']).toBe('0af7651916cd43dd8448eb211c80319c');
  const link = /^<(.*)>; rel="help"$/.exec(String(headers['link']))?.[1];
  expect(link).toBe(`${portal.url}/docs/errors/credential-missing`);
  const page = await fetch(link!);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(await page.text()).toContain('The call came without a credential of the portal.');
  for (const other of ['no-such-code', '..%2f..%2fpackage.json', '%3Cscript%3E'])
    expect((await fetch(`${portal.url}/docs/errors/${other}`)).status).toBe(404);
});

/** One request to the gateway's address, its target as it is given. */
async function fetchThrough(path: string, token: string | null, more: Record<string, string> = {}) {
  const { port } = new URL(portal.gatewayUrl);
  return new Promise<{ status: number; headers: Record<string, string | string[] | undefined> }>((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path,
      // What is looked at is the answer; that kubectl verifies the certificate is seen above.
      rejectUnauthorized: false,
      headers: { ...more, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
    });
    outgoing.once('error', reject);
    outgoing.once('response', (answer) => {
      answer.resume();
      answer.once('end', () => resolve({ status: answer.statusCode!, headers: answer.headers }));
    });
    outgoing.end();
  });
}
