/** Signed links: leave to call some paths of a cluster, for scripts and web applications of whoever holds one. */
import { randomBytes } from 'node:crypto';
import { request } from 'node:https';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { IssuedLink, Link } from '../../server/http/schemas.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { issueKubeconfig } from '../own-tools.ts';
import { CLUSTER, TestPortal, type Visitor } from '../portal.ts';

let portal: TestPortal;
let namespace: string;
let maker: Visitor;
let role: string;
beforeAll(async () => {
  portal = await TestPortal.start();
  namespace = `links-${(await portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
  await kubectlAsAdmin('create', 'configmap', 'open', '-n', namespace, '--from-literal=a=b');
  role = await portal.role({ clusterRoles: ['edit'] });
  maker = await portal.visitor([role]);
});
afterAll(async () => {
  if (namespace) await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
  await portal?.[Symbol.asyncDispose]();
});

const maps = () => `/api/v1/namespaces/${namespace}/configmaps`;

function make(wish: object = {}, person: Visitor = maker): Promise<IssuedLink> {
  return person.api('POST', '/links', { name: 'a script', cluster: CLUSTER, paths: [`${maps()}/**`], ...wish });
}

type Answer = { status: number; code: string | undefined; text: string };
/** As curl with the token. */
function call(token: string, path: string, method = 'GET', body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) };
    const url = `${portal.gatewayUrl}/k8s/${CLUSTER}${path}`;
    const outgoing = request(url, { method, headers, rejectUnauthorized: false, agent: false }, async (answer) => {
      let text = '';
      for await (const chunk of answer.setEncoding('utf8')) text += chunk as string;
      resolve({
        status: answer.statusCode!,
        code: answer.headers['x-sallyport-error-code'] as string | undefined,
        text,
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

it('opens what it names, by its verbs, and nothing beside it', async () => {
  const { token, address } = await make();
  expect(address).toBe(`${portal.gatewayUrl}/k8s/${CLUSTER}`);
  expect(await call(token, `${maps()}/open`)).toMatchObject({ status: 200, text: expect.stringContaining('"a":"b"') });
  for (const [path, method] of [
    [maps(), 'GET'],
    [`${maps()}/open?watch=true`, 'DELETE'],
    [`/api/v1/namespaces/${namespace}/secrets/x`, 'GET'],
    [`/api/v1/namespaces/${namespace}x/configmaps/open`, 'GET'],
    ['/api', 'GET'],
    ['/version', 'GET'],
    ['/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', 'POST'],
  ] as const)
    expect({ path, ...(await call(token, path, method)) }).toMatchObject({ status: 403, code: 'link-refused' });
  const writes = await make({ verbs: ['create', 'list'], paths: [maps()] });
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'made' } });
  expect(await call(writes.token, maps(), 'POST', body)).toMatchObject({ status: 201 });
  expect(await call(writes.token, maps())).toMatchObject({ status: 200 });
});

it('is used as often as it says, by however many at once', async () => {
  const { token, id } = await make({ uses: 3 });
  const answers = await Promise.all(Array.from({ length: 12 }, () => call(token, `${maps()}/open`)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
  expect(answers.filter(({ code }) => code === 'link-used-up')).toHaveLength(9);
  // What is refused uses nothing up.
  const single = await make({ uses: 1 });
  expect(await call(single.token, '/version')).toMatchObject({ code: 'link-refused' });
  expect(await call(single.token, `${maps()}/open`)).toMatchObject({ status: 200 });
  const { items } = await maker.api<{ items: Link[] }>('GET', '/links');
  expect(items.find((link) => link.id === id)).toMatchObject({ uses: 3, usesMax: 3, name: 'a script' });
});

it('opens nothing before its time, nor after', async () => {
  const early = await make({ notBefore: new Date(Date.now() + 3_600_000).toISOString() });
  expect(await call(early.token, `${maps()}/open`)).toMatchObject({ status: 403, code: 'link-early' });
  const over = await make();
  await portal.sql`update access_sessions set hard_cap_at = now() - interval '1 second' where id = ${over.id}`;
  expect(await call(over.token, `${maps()}/open`)).toMatchObject({ status: 401, code: 'credential-revoked' });
});

it('is never more than its maker is when it is used', async () => {
  const own = await portal.role({ clusterRoles: ['view'] });
  const person = await portal.visitor([own]);
  const writes = await make({ verbs: ['create', 'get'], paths: [`${maps()}/**`, maps()] }, person);
  // The cluster's own no: its maker may only look.
  expect(await call(writes.token, maps(), 'POST', '{"metadata":{"name":"no"}}')).toMatchObject({
    status: 403,
    code: undefined,
  });
  expect(await call(writes.token, `${maps()}/open`)).toMatchObject({ status: 200 });
  await portal.sql`update roles set read_only = true, secrets = 'none', deny = ${portal.sql.json([
    { verbs: ['*'], apiGroups: [''], resources: ['configmaps'], namespaces: [], names: [] },
  ])} where name = ${own}`;
  await portal.notify('role', own);
  await until(async () => (await call(writes.token, `${maps()}/open`)).code === 'role-rule-refused', {
    what: 'the narrowed role',
  });
  await portal.sql`update users set disabled_at = now() where id = ${person.id}`;
  await portal.notify('user', person.id);
  await until(async () => (await call(writes.token, `${maps()}/open`)).code === 'credential-revoked', {
    what: 'the disabled maker',
  });
});

it('is revoked at the next call, and its streams end within a second; each use is on record as its maker’s', async () => {
  const { token, id } = await make({ verbs: ['watch'], paths: [maps()] });
  const stream = new Promise<string>((resolve, reject) => {
    const url = `${portal.gatewayUrl}/k8s/${CLUSTER}${maps()}?watch=true`;
    const headers = { authorization: `Bearer ${token}` };
    const outgoing = request(url, { headers, rejectUnauthorized: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.once('data', () => void maker.api('DELETE', `/links/${id}`));
      answer.on('error', () => {}).once('close', () => resolve(text));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
  expect(await stream).toContain('open');
  expect(await call(token, `${maps()}?watch=true`)).toMatchObject({ status: 401, code: 'credential-revoked' });
  const [event] = await until(
    async () => {
      const rows = await portal.sql<{ actor: string; channel: string }[]>`
        select e.actor, s.channel from audit_events e join access_sessions s on s.id = e.session_id
        where e.session_id = ${id} and e.code = 'api.finished' and e.actor <> 'portal'`;
      return rows.length > 0 && rows;
    },
    { what: 'its use in the audit log' },
  );
  expect(event).toEqual({ actor: maker.email, channel: 'link' });
});

it('stands for nothing else: no kubeconfig for a link, no link for a kubeconfig, none of another portal', async () => {
  const { token, id } = await make();
  const kubeconfig = await issueKubeconfig(maker);
  // Somebody with a valid signature of another kind, or none.
  const [head, body, signature] = token.split('.') as [string, string, string];
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
  const forged = (change: object) =>
    `${head}.${Buffer.from(JSON.stringify({ ...claims, ...change })).toString('base64url')}.${signature}`;
  for (const bad of [
    forged({ sid: kubeconfig.id }),
    forged({ aud: 'sallyport-kubeconfig' }),
    forged({ exp: 4_102_444_800 }),
    `${head}.${body}.${randomBytes(64).toString('base64url')}`,
    `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`,
  ])
    expect(await call(bad, `${maps()}/open`)).toMatchObject({ status: 401, code: 'token-invalid' });
  await expect(maker.api('DELETE', `/me/kubeconfigs/${id}`)).rejects.toMatchObject({ code: 'session-not-found' });
  await expect(maker.api('DELETE', `/links/${kubeconfig.id}`)).rejects.toMatchObject({ code: 'session-not-found' });
  const stranger = await portal.visitor([await portal.role()]);
  await expect(stranger.api('DELETE', `/links/${id}`)).rejects.toMatchObject({ code: 'session-not-found' });
  // It is no credential of the portal itself.
  expect((await fetch(`${portal.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
});
