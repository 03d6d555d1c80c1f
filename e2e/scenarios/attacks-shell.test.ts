/**
 * From inside of a shell, as a person who may do everything on the cluster: what the portal refuses all the same, what
 * a credential is worth elsewhere, and what of anybody else is in reach. docs/security.md names each.
 */
import { randomUUID } from 'node:crypto';
import { request } from 'node:https';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOKEN_FILE } from '../../protocol/sandbox.ts';
import { kubectlAsAdmin, leftovers } from '../leftovers.ts';
import { CLUSTER, TestPortal, type Visitor } from '../portal.ts';
import { testCluster } from '../use.ts';

type Opened = Awaited<ReturnType<Visitor['open']>>;

const JWT = /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\./;

let portal: TestPortal;
let ann: Visitor;
let hers: Opened;
let his: Opened;

beforeAll(async () => {
  portal = await TestPortal.start();
  ann = await portal.visitor();
  const bob = await portal.visitor();
  hers = await ann.open();
  his = await bob.open();
  await hers.terminal.shows(/\$ $/);
  await his.terminal.shows(/\$ $/);
});
afterAll(() => portal?.[Symbol.asyncDispose]());

/** A manifest through kubectl. */
function apply(manifest: object, command = 'create'): Promise<string> {
  const base64 = Buffer.from(JSON.stringify(manifest)).toString('base64');
  return hers.terminal.run(`echo ${base64} | base64 -d | kubectl ${command} -f - 2>&1`);
}

const tokenIn = async (opened: Opened) => (await opened.terminal.run(`cat ${TOKEN_FILE}`)).trim();

function getHttps(url: string, token: string): Promise<{ status: number; body: string }> {
  const options = { headers: { authorization: `Bearer ${token}` }, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    request(url, options, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
      answer.on('end', () => resolve({ status: answer.statusCode!, body }));
    })
      .on('error', reject)
      .end();
  });
}

describe('kubectl', () => {
  it('works, so that the rest is refused for what it is', async () => {
    expect(await hers.terminal.run('kubectl auth can-i "*" "*"')).toMatch(/^yes/);
  });

  it.each([
    ['kubectl --as=system:admin get pods', /Acting as somebody else/],
    ['kubectl --as=ann --as-group=system:masters get pods', /Acting as somebody else/],
    ['kubectl create token default', /service-account tokens is refused/],
    ['kubectl get --raw /api/v1/nodes/node-1/proxy/pods', /node's kubelet/],
  ])('%s: refused with a sentence', async (command, sentence) => {
    expect(await hers.terminal.run(`${command} 2>&1`)).toMatch(sentence);
  });

  it('a Secret that the cluster would fill with a token, or take for one', async () => {
    const kind = { apiVersion: 'v1', kind: 'Secret' };
    const annotations = { 'kubernetes.io/service-account.name': 'default' };
    const account = { ...kind, type: 'kubernetes.io/service-account-token', metadata: { name: 'minted', annotations } };
    const stringData = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef' };
    const metadata = { name: 'bootstrap-token-abcdef', namespace: 'kube-system' };
    const bootstrap = { ...kind, type: 'bootstrap.kubernetes.io/token', metadata, stringData };
    for (const secret of [account, bootstrap])
      for (const command of ['create', 'apply', 'apply --server-side'])
        expect(await apply(secret, command)).toContain('would outlive this session');
    for (const name of ['minted', '-n kube-system bootstrap-token-abcdef'])
      expect(await hers.terminal.run(`kubectl get secret ${name} 2>&1`)).toContain('NotFound');
  });

  it('a certificate that would make one somebody', async () => {
    const spec = { request: 'LS0t', signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] };
    const kind = 'CertificateSigningRequest';
    const csr = { apiVersion: 'certificates.k8s.io/v1', kind, metadata: { name: 'attack' }, spec };
    expect(await apply(csr)).toMatch(/refused/i);
    expect(await hers.terminal.run('kubectl get csr attack 2>&1')).toMatch(/NotFound|refused/);
  });

  it('anything in the namespace where the accounts of all sessions live', async () => {
    const namespace = `sallyport-${(await portal.id()).slice(0, 8)}`;
    const account = /sp-\S+/.exec(await his.terminal.run('kubectl auth whoami'))![0];
    const spec = { serviceAccountName: account, containers: [{ name: 'c', image: 'sallyport.test/busybox:1' }] };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'as-bob', namespace }, spec };
    expect(await apply(pod)).toMatch(/accounts of everybody's sessions/);
    for (const command of [`delete namespace ${namespace} --wait=false`, `label namespace ${namespace} attacked=yes`])
      expect(await hers.terminal.run(`kubectl ${command} 2>&1`)).toMatch(/accounts of everybody's sessions/);
    for (const command of ['create token', 'delete serviceaccount'])
      expect(await hers.terminal.run(`kubectl -n ${namespace} ${command} ${account} 2>&1`)).toMatch(/refused|accounts/);
  });
});

describe('a credential of the shell', () => {
  it('of Ann is refused on Bob’s socket, at the gateway’s address and by the cluster itself', async () => {
    const token = await tokenIn(hers);
    expect(token).toMatch(JWT);
    const ask = `curl -sk -m 5 -o /dev/null -w '%{http_code}' --noproxy '*' https://127.0.0.1:6443/api`;
    expect(await hers.terminal.run(`${ask} -H "Authorization: Bearer $(cat ${TOKEN_FILE})"`)).toContain('200');
    expect(await his.terminal.run(`${ask} -H "Authorization: Bearer ${token}"`)).toContain('401');
    const atGateway = await getHttps(`${portal.gatewayUrl}/k8s/${CLUSTER}/api`, token);
    expect(atGateway.status).toBe(401);
    expect(atGateway.body).toContain('work in their own shell only');
    expect((await getHttps(`${(await testCluster()).server}/api`, token)).status).toBe(401);
  });

  it('opens nothing of the portal’s', async () => {
    const headers = { authorization: `Bearer ${await tokenIn(hers)}` };
    for (const path of ['/me', '/sessions', '/clusters'])
      expect((await fetch(`${portal.url}/api/v1${path}`, { headers })).status).toBe(401);
  });
});

describe('reach', () => {
  it('no other sandbox: its folder, sockets and processes are not there', async () => {
    expect(await hers.terminal.run('find / -type s 2>/dev/null | sort')).toBe(
      '/run/sallyport/api.sock\r\n/run/sallyport/terminal.sock\r\n',
    );
    expect(await hers.terminal.run(`cat /proc/self/mountinfo /proc/1/mountinfo 2>&1 | grep -c ${his.id}`)).toBe(
      '0\r\n',
    );
    const processes = Number(await hers.terminal.run('ls -d /proc/[0-9]* | wc -l'));
    expect(processes).toBeLessThan(12);
    expect(await hers.terminal.run(`grep -l ${his.id} /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null`)).toBe('');
  });

  it.each([
    ['a host that nobody allowed', 'https://example.com/'],
    ['metadata', 'http://169.254.169.254/latest/meta-data/'],
    ['the portal itself', () => portal.url],
    ['the cluster, past the gateway', async () => (await testCluster()).server],
  ])('%s: refused by the proxy, and on record', async (_what, where) => {
    const url = typeof where === 'string' ? where : await where();
    const { hostname } = new URL(url);
    expect(await hers.terminal.run(`curl -sSk -m 5 --noproxy '' ${url} 2>&1`)).toMatch(
      /not among the hosts that the operator allows|403/,
    );
    const refused = async () =>
      (
        await portal.sql`select 1 from audit_events where code = 'egress.refused' and session_id = ${hers.id}
          and detail->>'host' = ${hostname}`
      ).length;
    await expect.poll(refused, { timeout: 5_000 }).toBeGreaterThan(0);
  });

  it('the container is as closed as it is promised, and says nothing of its secret to the engine', async () => {
    const docker = new Docker({ socketPath: portal.docker });
    const [found] = await docker.listContainers({ filters: { label: [`sallyport.session=${hers.id}`] } });
    const facts = await docker.getContainer(found!.Id).inspect();
    expect(facts.HostConfig).toMatchObject({
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      Privileged: false,
      CapDrop: ['ALL'],
      LogConfig: { Type: 'none' },
    });
    expect(facts.HostConfig.SecurityOpt).toContainEqual(expect.stringContaining('no-new-privileges'));
    expect(JSON.stringify(facts.HostConfig.SecurityOpt)).not.toContain('unconfined');
    expect(facts.Config.User).toMatch(/^1000/);
    for (const { Source, RW } of facts.Mounts) {
      expect(Source).not.toMatch(/docker\.sock|\.kube/);
      expect(RW).toBe(false);
    }
    const told = JSON.stringify([facts.Config.Env, facts.Config.Cmd, facts.Config.Entrypoint, facts.Args]);
    expect(told).not.toMatch(JWT);
    expect(told).not.toMatch(/secret|password/i);
  });
});

it('bindings with the portal’s labels on them neither stop nor mislead the clean-up after sessions', async () => {
  const plant = async (name: string, session: string) => {
    const labels = { 'sallyport.dev/portal': await portal.id(), 'sallyport.dev/session': session };
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' };
    const metadata = { name, namespace: 'default', labels };
    const binding = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata, roleRef };
    expect(await apply(binding)).toContain('created');
  };
  const suffix = hers.id.slice(0, 8);
  await plant(`nobodys-${suffix}`, 'not-a-session');
  await plant(`orphan-${suffix}`, randomUUID());
  // Each start is followed by a round of the clean-up.
  await portal.restart();
  const left = () => kubectlAsAdmin('-n', 'default', 'get', 'rolebindings', '-o', 'name');
  await expect.poll(left, { timeout: 20_000 }).not.toContain(`orphan-${suffix}`);
  expect(await left()).toContain(`nobodys-${suffix}`);
  await kubectlAsAdmin('-n', 'default', 'delete', 'rolebinding', `nobodys-${suffix}`);
  await hers.terminal.connect();
  expect(await hers.terminal.run('kubectl auth can-i "*" "*"')).toMatch(/^yes/);
});

it('a warm container holds no credential and nobody’s name, is used once, and leaves nothing to the next', async () => {
  await using warm = await TestPortal.start({ warmPool: 1 });
  const docker = new Docker({ socketPath: warm.docker });
  const containers = async () => docker.listContainers({ filters: { label: [`sallyport.portal=${await warm.id()}`] } });
  await warm.warmed(1);
  const [ready] = await containers();
  const inside = await output(docker, ready!.Id, [
    'sh',
    '-c',
    `env; cat ${TOKEN_FILE} 2>&1; find / -xdev -newer /etc/hostname -type f 2>/dev/null; ls -laR /home /run/sallyport-user /tmp; cat /home/*/.kube/config`,
  ]);
  expect(inside).toContain('No such file');
  expect(inside).not.toMatch(JWT);
  expect(inside).not.toMatch(/@example\.com|client-key|certificate-authority/);

  const eve = await warm.visitor();
  const first = await eve.open();
  const used = (await containers()).find((one) => one.Labels['sallyport.session'] === first.id)!;
  expect(used.Id).toBe(ready!.Id);
  await first.terminal.shows(/\$ $/);
  await first.terminal.run('echo mine > ~/left-behind; echo mine > /tmp/left-behind');
  await eve.api('POST', `/sessions/${first.id}/end`);
  expect(await warm.ended(first.id)).toMatchObject({ cleanupPending: false });
  expect((await leftovers(warm)).containers).not.toContain(first.id);
  await expect(docker.getContainer(used.Id).inspect()).rejects.toMatchObject({ statusCode: 404 });
  const second = await eve.open();
  await second.terminal.shows(/\$ $/);
  expect(await second.terminal.run('find / -name left-behind 2>/dev/null')).toBe('');
});

/** What a command says that the engine's owner runs inside. */
async function output(docker: Docker, container: string, command: string[]): Promise<string> {
  const exec = await docker.getContainer(container).exec({ Cmd: command, AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({});
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await new Promise((resolve) => stream.once('end', resolve));
  return text;
}
