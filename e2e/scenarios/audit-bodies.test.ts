/** What the audit log keeps of people's calls with kubectl: bodies without secrets, reasons, streams from their start. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { issueKubeconfig, OwnTools } from '../own-tools.ts';
import { TestPortal, type Visitor } from '../portal.ts';

const HIDDEN = 'hunter2-horse';

let portal: TestPortal;
let namespace: string;
let ann: Visitor;
let session: string;
let tools: OwnTools;
beforeAll(async () => {
  portal = await TestPortal.start({ env: { SALLYPORT_AUDIT_MASK: 'data.dial' } });
  namespace = `bodies-${(await portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
  ann = await portal.visitor([await portal.role({ clusterRoles: ['edit'] })]);
  const issued = await issueKubeconfig(ann);
  session = issued.id;
  tools = await OwnTools.with(issued.kubeconfig);
});
afterAll(async () => {
  tools?.[Symbol.dispose]();
  if (namespace) await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
  await portal?.[Symbol.asyncDispose]();
});

type Detail = Record<string, unknown> & { body?: Record<string, unknown>; method: string; name: string };

const kubectl = (args: string[], stdin?: string) =>
  tools.start('kubectl', ['-n', namespace, ...args], stdin === undefined ? {} : { stdin }).ended;

/** The newest finished call like that, once there is one. */
const call = (method: string, resource: string, fits: (detail: Detail) => boolean) =>
  until(
    async () => {
      const rows = await portal.sql<{ detail: Detail }[]>`
        select detail from audit_events where session_id = ${session} and code = 'api.finished'
          and detail->>'method' = ${method} and detail->>'resource' = ${resource} order by at desc`;
      return rows.map(({ detail }) => detail).find(fits);
    },
    { what: `${method} ${resource} in the audit log` },
  );
const holds = (level: string) => (detail: Detail) =>
  (detail.body?.['data'] as { level?: string } | undefined)?.level === level;

it('a Secret is on record with its name and its keys', async () => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, stringData: { password: HIDDEN } };
  expect(await kubectl(['create', '-f', '-'], JSON.stringify(secret))).toMatchObject({ code: 0 });
  expect((await call('POST', 'secrets', () => true)).body).toMatchObject({
    kind: 'Secret',
    metadata: { name: 'db' },
    stringData: { password: '***' },
  });
  // This one kubectl sends as protobuf.
  await kubectl(['create', 'secret', 'generic', 'other', `--from-literal=password=${HIDDEN}`]);
  expect(await call('POST', 'secrets', ({ bodyLeftOut }) => bodyLeftOut !== undefined)).toMatchObject({
    body: { kind: 'Secret', metadata: { name: 'other' } },
    bodyLeftOut: 'of protobuf only which object it is',
  });
  const patch = [{ op: 'add', path: '/data/other', value: Buffer.from(HIDDEN).toString('base64') }];
  await kubectl(['patch', 'secret', 'db', '--type=json', '--patch', JSON.stringify(patch)]);
  expect((await call('PATCH', 'secrets', () => true)).body).toEqual([{ op: 'add', path: '/data/other', value: '***' }]);
});

it('a Secret that was sent once more, with another account of the session, is on record as it was sent', async () => {
  const since = new Date();
  const account = [`--selector=sallyport.dev/session=${session}`, '--all-namespaces'];
  await kubectlAsAdmin('delete', 'serviceaccounts', ...account);
  const sent: string[] = [];
  // The API server remembers a token that it has seen for some seconds: until then it takes the old one.
  await until(
    async () => {
      const name = `again-${sent.length}`;
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { password: HIDDEN } };
      // Without the questions that kubectl asks beforehand, which would have brought the account back.
      const raw = ['create', '--raw', `/api/v1/namespaces/${namespace}/secrets`, '-f', '-'];
      expect(await kubectl(raw, JSON.stringify(secret))).toMatchObject({ code: 0 });
      sent.push(name);
      return (await kubectlAsAdmin('get', 'serviceaccounts', ...account, '--output=name')).includes('serviceaccount/');
    },
    { within: 30_000, what: 'another account' },
  );
  const created = () => portal.sql<{ detail: Detail }[]>`
    select detail from audit_events where session_id = ${session} and code = 'api.finished' and at >= ${since}
      and detail->>'method' = 'POST' and detail->>'resource' = 'secrets' order by at`;
  await until(async () => (await created()).length === sent.length, { what: 'each of them in the audit log' });
  expect((await created()).map(({ detail }) => detail.body)).toEqual(
    sent.map((name) => expect.objectContaining({ metadata: { name }, stringData: { password: '***' } })),
  );
});

it('what is applied is on record, what was applied last is not repeated', async () => {
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'app' } };
  const text = (data: object) => JSON.stringify({ ...map, data });
  await kubectl(['apply', '-f', '-'], text({ level: 'debug', DB_PASSWORD: HIDDEN, dial: HIDDEN }));
  expect((await call('POST', 'configmaps', holds('debug'))).body).toMatchObject({
    metadata: { name: 'app', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '***' } },
    data: { level: 'debug', DB_PASSWORD: '***', dial: '***' },
  });
  await kubectl(['apply', '-f', '-'], text({ level: 'info', DB_PASSWORD: HIDDEN }));
  expect((await call('PATCH', 'configmaps', holds('info'))).body).toMatchObject({ data: { level: 'info' } });
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], text({ level: 'warn', token: HIDDEN }));
  const applied = (await call('PATCH', 'configmaps', holds('warn'))).body!;
  expect(applied['data']).toEqual({ level: 'warn', token: '***' });
});

it('a larger body, or one in another form, is told of', async () => {
  const large = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'large' }, data: { a: 'x'.repeat(70_000) } };
  await kubectl(['create', '-f', '-'], JSON.stringify(large));
  const found = await call('POST', 'configmaps', ({ requestBytes }) => Number(requestBytes) > 70_000);
  expect(found).toMatchObject({ bodyLeftOut: 'it is longer than 65536 bytes' });
  expect(found).not.toHaveProperty('body');
});

it('why the cluster said no is on record, without the values that it quotes', async () => {
  await kubectl(['create', 'deployment', 'web', '--image=busybox', '--replicas=0']);
  const bad = JSON.stringify({ spec: { template: { spec: { restartPolicy: 'Sometimes' } } } });
  expect(await kubectl(['patch', 'deployment', 'web', '--type=merge', '--patch', bad])).toMatchObject({ code: 1 });
  const invalid = await call('PATCH', 'deployments', ({ status }) => status === 422);
  expect(invalid).toMatchObject({ statusReason: 'Invalid', statusMessage: expect.stringMatching(/^Deployment.*: …$/) });
  await kubectl(['get', 'nodes']);
  expect(await call('GET', 'nodes', ({ status }) => status === 403)).toMatchObject({
    statusReason: 'Forbidden',
    statusMessage: expect.stringContaining('cannot list resource "nodes"'),
  });
});

it('a watch is on record from its start, and once more at its end, with its bytes', async () => {
  const watch = tools.start('kubectl', ['-n', namespace, 'get', 'secrets', '--watch']);
  await until(async () => watch.output().includes('db'), { what: 'the watch' });
  const started = async () => portal.sql`
    select 1 from audit_events where session_id = ${session} and code = 'api.started' and detail->>'verb' = 'watch'`;
  await until(async () => (await started()).length > 0, { within: 1_500, what: 'its start in the log' });
  const open = async () => (await ann.api<{ items: { code: string }[] }>('GET', `/sessions/${session}/calls`)).items;
  expect((await open()).map(({ code }) => code)).toContain('api.started');
  watch.child.kill();
  await watch.ended;
  const end = await until(
    async () => {
      const [row] = await portal.sql<{ bytes: number }[]>`
        select (detail->>'responseBytes')::int as bytes from audit_events
        where session_id = ${session} and code = 'api.finished' and detail->>'verb' = 'watch'`;
      return row;
    },
    { what: 'its end' },
  );
  expect(end.bytes).toBeGreaterThanOrEqual(0);
  expect((await open()).map(({ code }) => code)).not.toContain('api.started');
});

it('nothing of what was hidden is anywhere in the log', async () => {
  const text = JSON.stringify(await portal.sql`select detail from audit_events`);
  expect(text).not.toContain(HIDDEN);
  expect(text).not.toContain(Buffer.from(HIDDEN).toString('base64'));
});
