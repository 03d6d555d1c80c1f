/** CI: a job's id token becomes a token of a service user, that a kubeconfig, and kubectl works, for minutes. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CiIssuer } from '../ci-issuer.ts';
import { kubectlBinaries } from '../cluster/kubectl.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { issueKubeconfig, OwnTools } from '../own-tools.ts';
import { ApiError, CLUSTER, TestPortal } from '../portal.ts';

let issuer: CiIssuer;
let portal: TestPortal;
let namespace: string;
beforeAll(async () => {
  issuer = await CiIssuer.start();
  portal = await TestPortal.start({
    env: { NODE_EXTRA_CA_CERTS: issuer.authorityFile, SALLYPORT_ISSUER_PRIVATE: '127.0.0.1,::1' },
  });
  namespace = `ci-${(await portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
});
afterAll(async () => {
  if (namespace) await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
  await portal?.[Symbol.asyncDispose]();
  await issuer?.[Symbol.asyncDispose]();
});

type Made = { id: string; email: string; token: string };

/** REST with an API token, as a job does it. */
function withToken(token: string) {
  return {
    async api<T>(method: string, path: string, body?: unknown): Promise<T> {
      const answer = await fetch(`${portal.url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new ApiError(answer.status, text);
      return (text ? JSON.parse(text) : undefined) as T;
    },
  };
}

async function exchange(subject_token: string) {
  const answer = await fetch(`${portal.url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    }),
  });
  return (await answer.json()) as { access_token: string; expires_in: number };
}

/** A service user that deploys into the scenario's namespace, for somebody who owns it. */
async function deployer(name: string) {
  const role = await portal.role({ clusterRoles: ['edit'], namespaces: [namespace] });
  const owner = await portal.visitor();
  const user = await portal.admin<Made>('POST', '/service-users', { name, groups: [role], owner: owner.id });
  const trust = await portal.admin<Made>('POST', `/service-users/${user.id}/trusts`, {
    name,
    issuer: issuer.url,
    audience: portal.url,
    owner: { claim: 'repository_owner', value: name },
    conditions: [{ claim: 'ref', pattern: 'refs/heads/main' }],
  });
  const claims = { aud: portal.url, sub: `repo:${name}/app`, repository_owner: name, ref: 'refs/heads/main' };
  return { role, owner, user, trust, claims };
}

it('a job deploys with its id token alone; what it got ends in minutes, and with the trust at once', async () => {
  const { user, trust, claims, owner } = await deployer('acme');
  const { access_token, expires_in } = await exchange(await issuer.token(claims));
  const job = withToken(access_token);
  const began = Date.now();
  const { kubeconfig, id } = await issueKubeconfig(job, { clusters: [CLUSTER], minutes: 480 });
  const credential = await job.api<{ expiresAt: string }>('GET', `/me/kubeconfigs/${id}`);
  // Not the eight hours that were wished for: no longer than the token.
  expect(Date.parse(credential.expiresAt)).toBeLessThanOrEqual(began + expires_in * 1_000 + 2_000);
  using tools = await OwnTools.with(kubeconfig);
  expect(await tools.kubectl('create', 'configmap', 'deployed')).toMatchObject({ code: 0 });
  expect((await tools.kubectl('get', 'nodes')).code).toBe(1);
  const call = await until(
    async () => {
      const [row] = await portal.sql<{ actor: string; actor_id: string }[]>`
        select actor, actor_id from audit_events where session_id = ${id} and code = 'api.finished'
          and detail->>'verb' = 'create' and detail->>'resource' = 'configmaps'`;
      return row;
    },
    { what: 'the call on record' },
  );
  expect(call).toEqual({ actor: user.email, actor_id: user.id });
  // The cluster's own log names it, too.
  const [row] = await portal.sql<{ service_account: string }[]>`
    select service_account from access_sessions where id = ${id}`;
  expect(row!.service_account).toContain('service-acme');
  const watch = tools.start('kubectl', ['get', 'configmaps', '--watch']);
  await until(async () => watch.output().includes('deployed'), { what: 'the watch' });
  await portal.admin('DELETE', `/service-users/${user.id}/trusts/${trust.id}`);
  const removed = performance.now();
  await watch.ended;
  expect(performance.now() - removed).toBeLessThan(1_500);
  expect(await tools.kubectl('get', 'configmaps')).toMatchObject({ code: 1 });
  await expect(job.api('GET', '/me')).rejects.toMatchObject({ status: 401 });
  expect(await portal.ended(id)).toMatchObject({ endReason: 'revoked' });
  expect(await owner.api('GET', '/service-users')).toMatchObject({ items: [{ id: user.id, email: 'service:acme' }] });
});

it('the script of docs/ci.md does what the page says', async () => {
  const { claims } = await deployer('hooli');
  const page = readFileSync(join(import.meta.dirname, '../../docs/ci.md'), 'utf8');
  const [, script] = /```sh\n(umask[^`]*)```/.exec(page)!;
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ci-'));
  try {
    const run = async (token: string) => {
      const env = {
        NODE_ENV: 'production' as const,
        PATH: `${await kubectlBinaries()}:${process.env['PATH']}`,
        HOME: folder,
      };
      const given = { SALLYPORT_URL: portal.url, CLUSTER, ID_TOKEN: token };
      return promisify(execFile)('sh', ['-eu', '-c', script!], { cwd: folder, env: { ...env, ...given } });
    };
    expect((await run(await issuer.token(claims))).stderr).toContain('No resources found');
    await expect(run('not.a.token')).rejects.toMatchObject({ stderr: expect.stringContaining('No trust fits') });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('a job of somebody else, or of another branch, gets nothing', async () => {
  const { claims } = await deployer('umbrella');
  for (const change of [{ repository_owner: 'evil' }, { ref: 'refs/heads/evil' }, { aud: 'https://elsewhere.example' }])
    expect(await exchange(await issuer.token({ ...claims, ...change }))).toMatchObject({ error: 'invalid_request' });
});

it('a token of the owner’s making works for a CI that has none; disabling the program ends all of it', async () => {
  const { owner, user } = await deployer('initech');
  const { token } = await owner.api<Made>('POST', `/service-users/${user.id}/tokens`, {
    name: 'jenkins',
    scopes: ['read', 'sessions'],
    days: 30,
  });
  const { kubeconfig } = await issueKubeconfig(withToken(token), { credential: 'certificate' });
  using tools = await OwnTools.with(kubeconfig);
  expect(await tools.kubectl('get', 'configmaps')).toMatchObject({ code: 0 });
  await portal.admin('PATCH', `/users/${user.id}`, { disabled: true });
  expect(await tools.kubectl('get', 'configmaps')).toMatchObject({ code: 1 });
  await expect(withToken(token).api('GET', '/me')).rejects.toMatchObject({ status: 401 });
});
