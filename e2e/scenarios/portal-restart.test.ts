/** A shell that goes on while its portal is stopped or killed: no gap, no double, in either direction. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeRecords, RecordKind } from '../../protocol/log.ts';
import { leftovers, nothing } from '../leftovers.ts';
import { TestPortal } from '../portal.ts';

let portal: TestPortal;
beforeAll(async () => {
  portal = await TestPortal.start();
});
afterAll(() => portal?.[Symbol.asyncDispose]());

/** With their pauses longer than the portal is away. */
const LINES = 300;

it.each([
  ['stopped', () => portal.stop()],
  ['killed', () => portal.kill()],
])('the portal is %s: output and input continue where they were', async (_how, down) => {
  const person = await portal.visitor();
  const { id, terminal } = await person.whole();
  // Writes meanwhile, and reads what is typed meanwhile.
  terminal.type(`for i in $(seq ${LINES}); do echo "line-$i-"; sleep 0.01; done; cat > got; wc -c < got\r`);
  await terminal.shows(/line-50-/);
  await down();
  terminal.type('typed while it was away\n');
  await portal.up();
  await terminal.connect();
  terminal.type('and after\n');
  await terminal.shows(new RegExp(`line-${LINES}-`));
  terminal.type('\x04');
  await terminal.shows(/\r\n34\r\n/);

  const numbers = (text: string) => [...text.matchAll(/line-(\d+)-/g)].map((match) => Number(match[1]));
  const all = Array.from({ length: LINES }, (_, i) => i + 1);
  if (terminal.snapshots.length === 0) expect(numbers(terminal.text)).toEqual(all);
  await expect(terminal.run('kubectl get namespace default --output name')).resolves.toBe('namespace/default\r\n');

  terminal.type('exit\r');
  const { openedAt } = await portal.ended(id);
  const folder = openedAt.toISOString().slice(0, 7).replace('-', '/');
  const log = readFileSync(join(portal.dataDir, 'recordings', folder, id, 'log'));
  const { records, consumed } = decodeRecords(log);
  expect(consumed).toBe(log.length);
  const shown = Buffer.concat(records.filter(({ kind }) => kind === RecordKind.output).map(({ data }) => data));
  expect(numbers(shown.toString())).toEqual(all);
  expect(await leftovers(portal)).toEqual(nothing);
});

it('a session whose container went while the portal was away ends as a fault', async () => {
  const person = await portal.visitor();
  const { id } = await person.whole();
  await portal.kill();
  await portal.removeContainerOf(id);
  await portal.up();
  expect(await portal.ended(id)).toMatchObject({ endReason: 'fault', cleanupPending: false });
  expect(await leftovers(portal)).toEqual(nothing);
});

it('idle time runs on while the portal is away', async () => {
  const person = await portal.visitor([await portal.role({ idleMs: 3_000 })]);
  const { id } = await person.whole();
  await portal.kill();
  const over = Date.now() + 3_000;
  await expect.poll(() => Date.now() > over, { timeout: 5_000 }).toBe(true);
  await portal.up();
  expect(await portal.ended(id)).toMatchObject({ endReason: 'idle' });
  expect(await leftovers(portal)).toEqual(nothing);
});

it('a container that is killed ends its session and says so', async () => {
  const person = await portal.visitor();
  const { id, terminal } = await person.whole();
  await portal.removeContainerOf(id);
  await terminal.close();
  const ended = await portal.ended(id);
  expect(ended.endReason).toBe('fault');
  expect(ended.endDetail).toMatch(/container stopped/);
  expect(await leftovers(portal)).toEqual(nothing);
});
