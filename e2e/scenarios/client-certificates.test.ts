/** A kubeconfig with a client certificate, for tools that know nothing else: kubectl and curl with it, and its end. */
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BUSYBOX_IMAGE } from '../cluster/images.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { authorityIn, certificateIn, issueKubeconfig, OwnTools } from '../own-tools.ts';
import { CLUSTER, TestPortal } from '../portal.ts';

const run = promisify(execFile);
let portal: TestPortal;
let namespace: string;
beforeAll(async () => {
  portal = await TestPortal.start();
  namespace = `certificates-${(await portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
});
afterAll(async () => {
  if (namespace) await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
  await portal?.[Symbol.asyncDispose]();
});

type Listed = { items: { id: string; certificate: string | null; expiresAt: string }[] };

/** curl with that certificate, or none: the answer's status and our code. */
async function curl(tools: OwnTools, identity: string[], ...more: string[]): Promise<string> {
  const authority = join(tools.folder, 'authority.pem');
  writeFileSync(authority, authorityIn(tools.kubeconfig()));
  const url = `${portal.gatewayUrl}/k8s/${CLUSTER}/api/v1/namespaces/${namespace}/pods`;
  const format = '%{http_code} %header{x-sallyport-error-code}';
  const args = [
    '--silent',
    '--output',
    '/dev/null',
    '--write-out',
    format,
    '--cacert',
    authority,
    ...identity,
    ...more,
  ];
  return (await run('curl', [...args, url])).stdout.trim();
}

function filesOf(tools: OwnTools, kubeconfig: string, name: string): string[] {
  const { cert, key } = certificateIn(kubeconfig);
  const [certFile, keyFile] = [join(tools.folder, `${name}.crt`), join(tools.folder, `${name}.key`)];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  return ['--cert', certFile, '--key', keyFile];
}

it('kubectl works with one, streams and all; it is listed by its serial number, and on record', async () => {
  const person = await portal.visitor([await portal.role({ clusterRoles: ['edit'], namespaces: [namespace] })]);
  const { kubeconfig, id } = await issueKubeconfig(person, { credential: 'certificate', minutes: 60 });
  expect(kubeconfig).not.toContain('token');
  const certificate = new X509Certificate(certificateIn(kubeconfig).cert);
  expect(certificate.subject).toContain(`CN=${person.email}`);
  const { items } = await person.api<Listed>('GET', '/me/kubeconfigs');
  expect(items).toMatchObject([{ id, certificate: certificate.serialNumber.toLowerCase() }]);
  expect(certificate.validToDate.getTime()).toBeLessThanOrEqual(Date.parse(items[0]!.expiresAt));
  using tools = await OwnTools.with(kubeconfig);
  expect(await tools.kubectl('create', 'configmap', 'by-certificate')).toMatchObject({ code: 0 });
  expect((await tools.kubectl('auth', 'whoami', '--output=name')).code).toBe(0);
  const watch = tools.start('kubectl', ['get', 'configmaps', '--watch']);
  await until(async () => watch.output().includes('by-certificate'), { what: 'the watch' });
  const created = await until(
    async () => {
      const [row] = await portal.sql<{ actor: string }[]>`
        select actor from audit_events where session_id = ${id} and code = 'api.finished' and detail->>'verb' = 'create'
          and detail->>'resource' = 'configmaps'`;
      return row;
    },
    { what: 'the call on record' },
  );
  expect(created.actor).toBe(person.email);
  const [issued] = await portal.sql<{ detail: object }[]>`
    select detail from audit_events where session_id = ${id} and code = 'kubeconfig.issued'`;
  expect(issued!.detail).toMatchObject({ kind: 'certificate', credential: items[0]!.certificate });
  const began = performance.now();
  await person.api('DELETE', `/me/kubeconfigs/${id}`);
  expect(await tools.kubectl('get', 'configmaps')).toMatchObject({ code: 1 });
  await watch.ended;
  expect(performance.now() - began).toBeLessThan(1_500);
  expect(await curl(tools, filesOf(tools, kubeconfig, 'revoked'))).toBe('401 credential-revoked');
});

it('exec over WebSocket and over SPDY, and helm, work with one', async () => {
  const person = await portal.visitor([await portal.role({ clusterRoles: ['edit'], namespaces: [namespace] })]);
  const { kubeconfig } = await issueKubeconfig(person, { credential: 'certificate' });
  using tools = await OwnTools.with(kubeconfig);
  const run = [
    'run',
    'box',
    `--image=${BUSYBOX_IMAGE}`,
    '--image-pull-policy=Never',
    '--command',
    '--',
    'sleep',
    '600',
  ];
  expect(await tools.kubectl(...run)).toMatchObject({ code: 0 });
  expect(await tools.kubectl('wait', '--for=condition=Ready', 'pod/box', '--timeout=60s')).toMatchObject({ code: 0 });
  for (const webSockets of ['true', 'false']) {
    const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: webSockets };
    const exec = tools.start('kubectl', ['exec', '-i', 'box', '--', 'cat'], { stdin: 'typed', env });
    expect(await exec.ended).toMatchObject({ code: 0, stdout: 'typed' });
  }
  expect(await tools.start('helm', ['list']).ended).toMatchObject({ code: 0 });
});

it('curl works with one; a token beside it is refused, and so is a certificate of another portal', async () => {
  const person = await portal.visitor([await portal.role()]);
  const { kubeconfig } = await issueKubeconfig(person, { credential: 'certificate' });
  const other = await issueKubeconfig(person);
  using tools = await OwnTools.with(kubeconfig);
  const identity = filesOf(tools, kubeconfig, 'own');
  expect(await curl(tools, identity)).toBe('200');
  expect(await curl(tools, [])).toBe('401 credential-missing');
  const bearer = ['--header', `authorization: Bearer ${other.token}`];
  expect(await curl(tools, [], ...bearer)).toBe('200');
  expect(await curl(tools, identity, ...bearer)).toBe('401 credentials-differ');
  await using foreign = await TestPortal.start();
  const there = await foreign.visitor([await foreign.role()]);
  const stranger = (await issueKubeconfig(there, { credential: 'certificate' })).kubeconfig;
  expect(await curl(tools, filesOf(tools, stranger, 'foreign'))).toBe('401 certificate-refused');
  expect(await curl(tools, filesOf(tools, stranger, 'foreign'), ...bearer)).toBe('401 certificate-refused');
});

it('outlives a restart of the portal, sleeps and wakes, and ends with its person', async () => {
  const person = await portal.visitor([await portal.role({ idleMs: 3_000 })]);
  const { kubeconfig, id } = await issueKubeconfig(person, { credential: 'certificate' });
  using tools = await OwnTools.with(kubeconfig);
  const look = () => tools.kubectl('get', 'pods', `--namespace=${namespace}`);
  expect(await look()).toMatchObject({ code: 0 });
  await portal.restart();
  expect(await look()).toMatchObject({ code: 0 });
  const state = async () =>
    (await portal.sql<{ state: string }[]>`select state from access_sessions where id = ${id}`)[0];
  await until(async () => (await state())?.state === 'dormant', { within: 15_000, what: 'the sleep' });
  expect(await look()).toMatchObject({ code: 0 });
  await portal.admin('PATCH', `/users/${person.id}`, { disabled: true });
  expect(await curl(tools, filesOf(tools, kubeconfig, 'disabled'))).toBe('401 credential-revoked');
});

it('the key of its authority rests sealed', async () => {
  const [row] = await portal.sql<{ value: { certificate: string; key: string } }[]>`
    select value from settings where key = 'client-authority'`;
  expect(row!.value.certificate).toContain('BEGIN CERTIFICATE');
  expect(Buffer.from(row!.value.key, 'base64').toString('latin1')).not.toContain('PRIVATE KEY');
});

it('a page elsewhere does nothing with the certificate that a browser has (cross-site request forgery)', async () => {
  const person = await portal.visitor([await portal.role({ clusterRoles: ['edit'], namespaces: [namespace] })]);
  const { kubeconfig } = await issueKubeconfig(person, { credential: 'certificate', minutes: 60 });
  using tools = await OwnTools.with(kubeconfig);
  const identity = filesOf(tools, kubeconfig, 'browser');
  const pod = '{"metadata":{"name":"forged"},"spec":{"containers":[{"name":"a","image":"a"}]}}';
  // As a form sends it: no preflight comes before.
  const form = ['--request', 'POST', '--data', pod, '--header', 'Content-Type: text/plain'];
  for (const header of ['Origin: https://evil.example', 'Origin: null', 'Sec-Fetch-Site: cross-site'])
    expect({ header, answer: await curl(tools, identity, ...form, '--header', header) }).toEqual({
      header,
      answer: '403 cross-origin',
    });
  expect(await curl(tools, identity, '--header', 'Origin: https://evil.example')).toBe('403 cross-origin');
  // Libraries name the address that they call.
  expect(await curl(tools, identity, '--header', `Origin: ${portal.gatewayUrl}`)).toMatch(/^200/);
  const { stdout } = await tools.kubectl('get', 'pods', '--output=name');
  expect(stdout).not.toContain('forged');
});
