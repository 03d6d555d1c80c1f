/** What a role refuses at the gateway before the cluster is asked, as kubectl shows it. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUSYBOX_IMAGE } from '../cluster/images.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { issueKubeconfig, OwnTools } from '../own-tools.ts';
import { TestPortal } from '../portal.ts';

let portal: TestPortal;
let namespace: string;
beforeAll(async () => {
  portal = await TestPortal.start();
  namespace = `policy-${(await portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
  await kubectlAsAdmin(
    'run',
    'web',
    `--image=${BUSYBOX_IMAGE}`,
    '--image-pull-policy=Never',
    '--restart=Never',
    '-n',
    namespace,
    '--',
    'sleep',
    '3600',
  );
  await kubectlAsAdmin('create', 'secret', 'generic', 'db', '--from-literal=a=b', '-n', namespace);
  await kubectlAsAdmin('wait', '--for=condition=Ready', 'pod/web', '-n', namespace, '--timeout=60s');
});
afterAll(async () => {
  if (namespace) await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
  await portal?.[Symbol.asyncDispose]();
});

/** Somebody in a role that gives all of the cluster, but for what its policy refuses. */
async function under(policy: object) {
  const name = `p-${randomBytes(4).toString('hex')}`;
  const put = (change: object) =>
    portal.admin('PUT', `/roles/${name}`, {
      description: '',
      portal: 'member',
      clusterRoles: ['cluster-admin'],
      namespaces: [],
      groups: [name],
      idleMs: 900_000,
      detachedMs: 300_000,
      hardCapMs: 3_600_000,
      maxSessions: 3,
      ...change,
    });
  await put(policy);
  const person = await portal.visitor([name]);
  const issued = await issueKubeconfig(person);
  const tools = await OwnTools.with(issued.kubeconfig);
  return {
    put,
    id: issued.id,
    start: (...args: string[]) => tools.start('kubectl', ['-n', namespace, ...args]),
    kubectl: (...args: string[]) => tools.kubectl('-n', namespace, ...args),
    [Symbol.dispose]: () => tools[Symbol.dispose](),
  };
}

const refusedBy = async (id: string): Promise<string[]> => {
  const rows = await portal.sql<{ reason: string }[]>`
    select detail->>'reason' as reason from audit_events where session_id = ${id} and code = 'api.refused' order by at`;
  return rows.map(({ reason }) => reason);
};

describe('read-only', () => {
  it('sees all and touches nothing, by whatever door', async () => {
    using viewer = await under({ readOnly: true });
    expect(await viewer.kubectl('get', 'pods,secrets')).toMatchObject({ code: 0 });
    expect(await viewer.kubectl('logs', 'web')).toMatchObject({ code: 0 });
    for (const args of [
      ['delete', 'pod', 'web'],
      ['delete', 'pods', '--all'],
      ['create', 'configmap', 'x'],
      ['label', 'pod', 'web', 'a=b'],
      ['exec', 'web', '--', 'id'],
      ['attach', 'web'],
      ['port-forward', 'web', ':80'],
      ['debug', 'web', '--image=busybox'],
      ['cp', '/etc/hostname', 'web:/tmp/x'],
      ['get', '--raw', `/api/v1/namespaces/${namespace}/pods/web/proxy/`],
      ['create', 'token', 'default'],
    ]) {
      const { code, stderr } = await viewer.kubectl(...args);
      expect({ args, code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/read-only|refused/) });
    }
    expect(
      await until(async () => (await refusedBy(viewer.id)).length >= 11 && refusedBy(viewer.id), {
        what: 'the refusals in the audit log',
      }),
    ).toContain('role-read-only');
  });

  it('is told the truth by can-i, which the cluster alone would answer with yes', async () => {
    using viewer = await under({ readOnly: true, secrets: 'none' });
    expect(await viewer.kubectl('auth', 'can-i', 'get', 'pods')).toMatchObject({ code: 0, stdout: 'yes\n' });
    for (const args of [
      ['delete', 'pods'],
      ['create', 'pods/exec'],
      ['get', 'secrets'],
      ['*', '*'],
      ['impersonate', 'users'],
    ])
      expect({ args, ...(await viewer.kubectl('auth', 'can-i', ...args)) }).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/^no - The role/),
      });
    const { code, stdout } = await viewer.kubectl('auth', 'can-i', '--list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^pods +\[\] +\[\] +\[get list watch\]$/m);
    expect(stdout).not.toMatch(/^secrets |\*\.\*|create pods|^pods\/exec /m);
  });
});

it('exec, attach and port-forward are open one by one', async () => {
  using person = await under({ connect: ['exec'] });
  expect(await person.kubectl('exec', 'web', '--', 'echo', 'in')).toMatchObject({ code: 0, stdout: 'in\n' });
  expect(await person.kubectl('port-forward', 'web', ':80')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('does not open port-forward (pod web in'),
  });
});

it('namespaces, kinds and names are told apart', async () => {
  using person = await under({
    allow: [
      { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'], namespaces: ['policy-*'], names: [] },
      { verbs: ['get'], apiGroups: [''], resources: ['secrets'], names: ['d?', 'db'] },
    ],
    deny: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['kube-*'] }],
  });
  expect(await person.kubectl('get', 'pods')).toMatchObject({ code: 0 });
  expect(await person.kubectl('get', 'secret', 'db')).toMatchObject({ code: 0 });
  const no = expect.stringMatching(/The role "p-\w+" (refuses|does not let you)/);
  expect(await person.kubectl('get', 'secrets')).toMatchObject({ code: 1, stderr: no });
  expect(await person.kubectl('get', 'configmaps')).toMatchObject({ code: 1, stderr: no });
  expect(await person.kubectl('get', 'pods', '--all-namespaces')).toMatchObject({ code: 1, stderr: no });
  expect(await person.kubectl('get', 'pods', '-w')).toMatchObject({ code: 1 });
});

it('acts as somebody else only as whom the role names, and the cluster hears of both', async () => {
  using person = await under({ impersonateUsers: ['bot-*'], impersonateGroups: ['bots'] });
  const whoami = (...as: string[]) =>
    person.kubectl('auth', 'whoami', '-o=jsonpath={.status.userInfo.username}', ...as);
  expect(await whoami('--as=bot-1', '--as-group=bots')).toMatchObject({ code: 0, stdout: 'bot-1' });
  for (const as of [['--as=ann'], ['--as=bot-1', '--as-group=system:masters'], ['--as=system:admin']])
    expect(await person.kubectl('get', 'pods', ...as)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Acting as'),
    });
  const [event] = await until(
    async () => {
      const rows = await portal.sql<{ as: { user: string; groups: string[] } }[]>`
        select detail->'impersonated' as as from audit_events
        where session_id = ${person.id} and code = 'api.finished' and detail ? 'impersonated'`;
      return rows.length > 0 && rows;
    },
    { what: 'the call in the audit log' },
  );
  expect(event!.as).toEqual({ user: 'bot-1', groups: ['bots'] });
});

it('a role that is narrowed counts at the next call, and ends the streams that it refuses within a second', async () => {
  using person = await under({});
  const shell = person.start('exec', 'web', '--', 'sh', '-c', 'echo up; sleep 600');
  const watch = person.start('get', 'pods', '--watch');
  await until(async () => shell.output().includes('up') && watch.output().includes('web'), { what: 'both streams' });
  await person.put({ connect: [] });
  const began = performance.now();
  expect(await person.kubectl('exec', 'web', '--', 'id')).toMatchObject({ code: 1 });
  expect((await shell.ended).code).not.toBe(0);
  expect(performance.now() - began).toBeLessThan(1_500);
  // What the role still allows goes on.
  expect(watch.child.exitCode).toBe(null);
  watch.child.kill();
  await watch.ended;
});
