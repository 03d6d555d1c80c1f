/**
 * One stay from its opening to its end, on the real parts: by sockets, through the engine's exec, on a disk that fills;
 * and what is on record of it.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeMark, decodeRecords, RecordKind } from '../../protocol/log.ts';
import { leftovers, nothing } from '../leftovers.ts';
import { run } from '../machine/run.ts';
import { until } from '../machine/until.ts';
import { CLUSTER, TestPortal, type Visitor } from '../portal.ts';
import { tarOf } from '../tar.ts';
import { testCluster } from '../use.ts';

let portal: TestPortal;
let ann: Visitor;

beforeAll(async () => {
  portal = await TestPortal.start({ warmPool: 1 });
  ann = await portal.visitor();
});
afterAll(() => portal?.[Symbol.asyncDispose]());

type Session = {
  state: string;
  endReason: string | null;
  exitCode: number | null;
  openedAt: string;
  serviceAccount: string;
  steps: { name: string; ms: number | null }[];
};

/** What the recording of an ended session shows, and its marks. */
function recordingOf(on: TestPortal, id: string, openedAt: Date) {
  const month = openedAt.toISOString().slice(0, 7).replace('-', '/');
  const log = readFileSync(join(on.dataDir, 'recordings', month, id, 'log'));
  const { records, consumed } = decodeRecords(log);
  expect(consumed).toBe(log.length);
  return {
    shown: Buffer.concat(records.filter(({ kind }) => kind === RecordKind.output).map(({ data }) => data)),
    marks: records.filter(({ kind }) => kind === RecordKind.mark).map(({ data }) => decodeMark(data)),
  };
}

it('opens, works, exits, and leaves nothing but its recording', async () => {
  const { id, terminal } = await ann.open();
  await terminal.shows(/\$ $/);
  // Lines break where the window ends.
  expect(terminal.text.replace(/\s+/g, ' ')).toMatch(
    new RegExp(
      `^Cluster ${CLUSTER}, as ${ann.email} with the role admin, cluster-wide\\. ` +
        `This session is recorded\\. It ends at ${new Date().getUTCFullYear()}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC at the latest, ` +
        `or after 15 minutes without input`,
    ),
  );
  expect(await terminal.run('kubectl get namespaces')).toMatch(/kube-system\s+Active/);
  expect(await terminal.run('kubectl auth whoami')).toContain(`:sp-${ann.email.split('@')[0]}-`);
  const open = await ann.api<Session>('GET', `/sessions/${id}`);
  expect(open.state).toBe('active');
  expect(open.steps.map((step) => step.name)).toEqual(expect.arrayContaining(['shell', 'account']));

  terminal.type('exit 7\r');
  expect(await terminal.close()).toMatchObject({ code: 4002 });
  const ended = await until(
    async () => {
      const session = await ann.api<Session>('GET', `/sessions/${id}`);
      return session.state === 'ended' && session;
    },
    { what: 'the end of the session' },
  );
  expect(ended).toMatchObject({ endReason: 'exited', exitCode: 7 });
  const left = await leftovers(portal);
  expect(left.containers).not.toContain(id);
  expect(left.cluster).toEqual([]);

  const { shown, marks } = recordingOf(portal, id, new Date(ended.openedAt));
  expect(shown.includes(terminal.bytes)).toBe(true);
  expect(marks).toContainEqual({ mark: 'exit', code: 7, signal: null });
});

it('has its tools and completion; windows of any size and bytes of any kind do it no harm', async () => {
  const { id, terminal } = await ann.open();
  await terminal.shows(/\$ $/);
  const tools = 'bash kubectl helm jq yq less vim nano curl git';
  expect(await terminal.run(`for tool in ${tools}; do command -v $tool >/dev/null || echo no $tool; done`)).toBe('');
  expect(await terminal.run('command -v ssh scp sftp ssh-keygen')).toBe('');
  // The first Tab of a shell, which loads completion, completes.
  terminal.type('kubectl get namespaces kube-sys\t');
  await terminal.shows(/kube-system /);
  terminal.type('\r');
  await terminal.shows(/kube-system +Active/);

  for (const [cols, rows] of [
    [1, 1],
    [1000, 1000],
    [80, 24],
  ] as const) {
    terminal.resize(cols, rows);
    expect(await terminal.run('stty size')).toBe(`${rows} ${cols}\r\n`);
    // A page that comes then is shown the screen as it is.
    terminal.leave();
    await terminal.connect({ cols, rows });
  }
  await terminal.run('head -c 300000 /dev/urandom; stty sane', 60_000);
  const reloaded = await ann.terminal(id).connect();
  expect(reloaded.snapshots).toHaveLength(1);
  expect(await reloaded.run('echo still $((40 + 2))')).toBe('still 42\r\n');
  reloaded.type('exit\r');
  const { openedAt } = await portal.ended(id);
  expect(recordingOf(portal, id, openedAt).shown.includes(terminal.bytes)).toBe(true);
});

type Call = {
  code: string;
  auditId: string;
  clientAddress: string | null;
  actor: string;
  detail: Record<string, unknown>;
};

it('is on record: what its person did, and each call as the cluster’s own audit log has it', async () => {
  const { id, terminal } = await ann.open();
  await terminal.shows(/\$ $/);
  const address = `${portal.url}/api/v1/sessions/${id}/files?path=`;
  const headers = { cookie: ann.cookie, origin: portal.url, 'content-type': 'application/x-tar' };
  const body = await tarOf('notes.txt', 'written at home\n');
  expect((await fetch(`${address}.`, { method: 'PUT', headers, body })).status).toBe(200);
  await (await fetch(`${address}notes.txt`, { headers })).arrayBuffer();
  await ann.api('POST', `/sessions/${id}/extend`);
  await terminal.run('kubectl get configmap no-such-map --namespace default');
  await terminal.run('kubectl create configmap on-record --namespace default --from-literal=a=b');
  await terminal.run('kubectl delete configmap on-record --namespace default');
  // A shell that hides what is typed, where a password prompt does not.
  terminal.type('stty -echo; bash --noediting\r');
  await terminal.shows(/bash --noediting\r\n[^]*\$ $/);
  for (let line = 0; line < 4; line += 1) {
    const from = terminal.text.length;
    terminal.type('id -u\r');
    await terminal.shows(/1000\r\n/, { from });
  }
  const banner = await until(() => terminal.banners.find(({ code }) => code === 'hidden-shell'), {
    what: 'the banner',
  });
  expect(banner.text).toMatch(/what is typed now is not recorded/);
  terminal.leave();
  await until(() => terminal.closed, { what: 'the close' });
  const again = await ann.terminal(id).connect();
  again.type('exit\r');
  again.type('exit\r');
  await portal.ended(id);
  const [{ serviceAccount }] = await portal.sql<[{ serviceAccount: string }]>`
    select service_account as "serviceAccount" from access_sessions where id = ${id}`;

  const events = async () =>
    portal.sql<Call[]>`
      select code, audit_id as "auditId", client_address as "clientAddress", actor, detail
      from audit_events where session_id = ${id}`;
  const codes = async () => new Set((await events()).map(({ code }) => code));
  await expect
    .poll(codes)
    .toEqual(
      new Set([
        ...['opened', 'attached', 'extended', 'hidden-shell', 'detached', 'ended'].map((what) => `session.${what}`),
        'file.uploaded',
        'file.downloaded',
        'api.finished',
      ]),
    );
  const calls = (await events()).filter(({ code }) => code === 'api.finished');
  const created = calls.find(({ detail }) => detail['verb'] === 'create' && detail['resource'] === 'configmaps')!;
  expect(created).toMatchObject({
    actor: ann.email,
    clientAddress: '127.0.0.1',
    detail: {
      verb: 'create',
      resource: 'configmaps',
      namespace: 'default',
      status: 201,
      durationMs: expect.any(Number),
      userAgent: expect.stringMatching(/^kubectl/),
    },
  });
  for (const size of ['requestBytes', 'responseBytes']) expect(created.detail[size]).toBeGreaterThan(50);
  expect(calls.map(({ detail }) => [detail['verb'], detail['name'], detail['status']])).toEqual(
    expect.arrayContaining([
      ['get', 'no-such-map', 404],
      ['delete', 'on-record', 200],
    ]),
  );

  const { auditLog } = await testCluster();
  const ours = new Map(calls.map(({ auditId, detail }) => [auditId, `${detail['verb']} ${detail['status']}`]));
  const theirs = () => {
    const seen = new Map<string, string>();
    for (const line of readFileSync(auditLog, 'utf8').split('\n')) {
      if (!line.includes(`:${serviceAccount}"`) || !line.includes('ResponseComplete')) continue;
      const event = JSON.parse(line) as AuditLine;
      // The portal's own calls that make and remove the account name it, too.
      if (event.user.username.endsWith(`:${serviceAccount}`))
        seen.set(event.auditID, `${event.verb} ${event.responseStatus?.code}`);
    }
    return seen;
  };
  await expect.poll(theirs).toEqual(ours);
});

type AuditLine = { auditID: string; verb: string; user: { username: string }; responseStatus?: { code: number } };

it('travels through the engine’s exec where sockets cannot be shared: everything works, nothing is left', async () => {
  await using exec = await TestPortal.start({ env: { SALLYPORT_SANDBOX_MODE: 'exec' } });
  const bob = await exec.visitor();
  const { id, terminal } = await bob.open();
  await terminal.shows(/\$ $/);
  expect(await terminal.run('kubectl get namespace default --output name')).toBe('namespace/default\r\n');
  // More than fits into any buffer on the way, each line once and in order.
  expect((await terminal.run('seq 50000')).trimEnd().split('\r\n')).toHaveLength(50_000);

  const address = `${exec.url}/api/v1/sessions/${id}/files?path=`;
  const headers = { cookie: bob.cookie, origin: exec.url };
  const upload = await fetch(`${address}.`, {
    method: 'PUT',
    headers: { ...headers, 'content-type': 'application/x-tar' },
    body: await tarOf('notes.txt', 'written at home\n'),
  });
  expect(upload.status).toBe(200);
  expect(await terminal.run('cat notes.txt; echo and more >> notes.txt')).toBe('written at home\r\n');
  const download = await fetch(`${address}notes.txt`, { headers });
  expect(download.status).toBe(200);
  const entries = extract();
  entries.end(Buffer.from(await download.arrayBuffer()));
  const texts: string[] = [];
  for await (const entry of entries) texts.push((await buffer(entry)).toString());
  expect(texts).toEqual(['written at home\nand more\n']);

  terminal.leave();
  const again = await bob.terminal(id).connect();
  expect(await again.run('echo the same $(cat notes.txt | wc -l)')).toBe('the same 2\r\n');
  await bob.api('POST', `/sessions/${id}/end`);
  expect(await again.close()).toMatchObject({ code: 4002 });
  expect(await exec.ended(id)).toMatchObject({ endReason: 'ended-by-person', cleanupPending: false });
  expect(await leftovers(exec)).toEqual(nothing);
});

it('stops and says why where the disk of recordings is full; what was shown replays to its last byte', async () => {
  await using full = await TestPortal.start();
  const recordings = join(full.dataDir, 'recordings');
  mkdirSync(recordings, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', recordings]);
  await using stack = new AsyncDisposableStack();
  stack.defer(async () => void (await run('umount', ['--lazy', recordings])));
  const eve = await full.visitor();
  const { id, terminal } = await eve.open();
  await terminal.shows(/\$ $/);
  terminal.type('seq 100000\r');
  expect(await terminal.close()).toMatchObject({ code: 4002 });
  const sentence = /disk that holds recordings is full\. Without a recording there is no terminal/;
  expect(terminal.banners.find(({ code }) => code === 'terminal-fault')?.text).toMatch(sentence);
  const ended = await full.ended(id);
  expect(ended).toMatchObject({ endReason: 'fault', cleanupPending: false });
  expect(ended.endDetail).toMatch(sentence);

  const answer = await fetch(`${full.url}/api/v1/sessions/${id}/recording`, {
    headers: { authorization: `Bearer ${full.adminToken}` },
  });
  expect(answer.status).toBe(200);
  const log = Buffer.from(await answer.arrayBuffer());
  const { records, consumed } = decodeRecords(log);
  expect(consumed).toBe(log.length);
  expect(await eve.api('GET', `/sessions/${id}`)).toMatchObject({ recordedBytes: log.length });
  const shown = Buffer.concat(records.filter(({ kind }) => kind === RecordKind.output).map(({ data }) => data));
  // No byte was shown that is not on record.
  expect(shown.includes(terminal.bytes)).toBe(true);
  expect(await leftovers(full)).toEqual(nothing);
});
