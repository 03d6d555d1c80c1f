/** One stay from its opening to its end, on the real parts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeMark, decodeRecords, RecordKind } from '../../protocol/log.ts';
import { leftovers } from '../leftovers.ts';
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
