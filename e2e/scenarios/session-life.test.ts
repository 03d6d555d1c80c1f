/** One stay from its opening to its end, on the real parts: by sockets, through the engine's exec, on a disk that fills. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { extract, pack } from 'tar-stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeMark, decodeRecords, RecordKind } from '../../protocol/log.ts';
import { leftovers, nothing } from '../leftovers.ts';
import { run } from '../machine/run.ts';
import { until } from '../machine/until.ts';
import { TestPortal, type Visitor } from '../portal.ts';

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

it('opens, works, exits, and leaves nothing but its recording', async () => {
  const { id, terminal } = await ann.open();
  await terminal.shows(/\$ $/);
  expect(terminal.text).toMatch(/recorded/);
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

  const day = ended.openedAt.slice(0, 7).replace('-', '/');
  const log = readFileSync(join(portal.dataDir, 'recordings', day, id, 'log'));
  const { records, consumed } = decodeRecords(log);
  expect(consumed).toBe(log.length);
  const shown = Buffer.concat(records.filter(({ kind }) => kind === RecordKind.output).map(({ data }) => data));
  expect(shown.includes(terminal.bytes)).toBe(true);
  const marks = records.filter(({ kind }) => kind === RecordKind.mark).map(({ data }) => decodeMark(data));
  expect(marks).toContainEqual({ mark: 'exit', code: 7, signal: null });
});

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
  const files = pack();
  files.entry({ name: 'notes.txt' }, 'written at home\n');
  files.finalize();
  const upload = await fetch(`${address}.`, {
    method: 'PUT',
    headers: { ...headers, 'content-type': 'application/x-tar' },
    body: await buffer(files),
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
