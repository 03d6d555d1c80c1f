/** The database stops while people work, and comes back: what goes on, what is refused, what is made up for. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startPostgres, stopPostgres } from '../../db/embedded/postgres.ts';
import { leftovers, nothing } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { TestPortal, type Visitor } from '../portal.ts';
import type { TerminalClient } from '../terminal-client.ts';

let stack: AsyncDisposableStack;
let folder: string;
let port: number;
let portal: TestPortal;
let person: Visitor;

const start = () => startPostgres(folder, { fsync: false, port });
const stop = () => stopPostgres(folder, { remove: false });

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  folder = join(process.env['SALLYPORT_TEST_PARTS']!, `own-postgres-${process.pid}`);
  const { adminUrl } = await startPostgres(folder, { fsync: false });
  stack.defer(() => stopPostgres(folder, { remove: true }));
  port = Number(new URL(adminUrl).port);
  portal = stack.use(await TestPortal.start({ databaseUrl: adminUrl }));
  person = await portal.visitor();
});
afterEach(start);
afterAll(() => stack?.disposeAsync());

type Ready = { components: Record<string, { ok: boolean }> };
const components = async () => ((await (await fetch(`${portal.url}/readyz`)).json()) as Ready).components;
const told = (terminal: TerminalClient, code: string) =>
  until(() => terminal.banners.some((banner) => banner.code === code), { what: `the banner ${code}` });
const events = async (session: string, code: string) =>
  portal.sql<{ detail: Record<string, unknown> }[]>`
    select detail from audit_events where session_id = ${session} and code = ${code}`;
/** How calls of the session for the namespace of that name were refused. */
const refused = async (session: string, name: string) =>
  (await events(session, 'api.refused')).filter(({ detail }) => detail['name'] === name).map(({ detail }) => detail);

it('a shell goes on and stays on record; nothing opens, and a person is told why', async () => {
  const { id, terminal } = await person.whole();
  await stop();
  await told(terminal, 'database-away');
  expect(await components()).toMatchObject({ database: { ok: false }, engine: { ok: true } });
  await expect(person.open()).rejects.toMatchObject({
    status: 503,
    code: 'database-unavailable',
    message: expect.stringContaining('Try again in a minute'),
  });
  // Who may do what cannot be looked up: refused, and on record.
  expect(await terminal.run('kubectl get namespace default')).toMatch(/The portal.s database does not answer\./);
  await terminal.run('kubectl get --raw /api/v1/namespaces/meanwhile');

  await start();
  await told(terminal, 'database-back');
  await until(async () => (await components())['database']!.ok, { what: 'a ready database' });
  await until(async () => (await refused(id, 'meanwhile')).length > 0, { what: 'the call in the audit log' });
  expect(await refused(id, 'meanwhile')).toMatchObject([{ status: 503, reason: 'database-unavailable' }]);
  expect(await terminal.run('kubectl get namespace default --output name')).toBe('namespace/default\r\n');
  expect(await terminal.run('echo still here')).toBe('still here\r\n');
  await person.api('POST', `/sessions/${id}/end`);
  expect(await portal.ended(id)).toMatchObject({ endReason: 'ended-by-person', cleanupPending: false });
  expect(await leftovers(portal)).toEqual(nothing);
});

it('what ends meanwhile is over at once, and its row and event are made up for', async () => {
  const { id, terminal } = await person.whole();
  await stop();
  terminal.type('exit 3\r');
  expect(await terminal.close()).toMatchObject({ code: 4002 });
  expect(terminal.state).toMatchObject({ endReason: 'exited' });

  await start();
  expect(await portal.ended(id)).toMatchObject({ endReason: 'exited', exitCode: 3 });
  await until(async () => !(await portal.ended(id)).cleanupPending, { what: 'a clean row' });
  expect(await leftovers(portal)).toEqual(nothing);
  await until(async () => (await events(id, 'session.ended')).length > 0, { what: 'the event' });
  expect(await events(id, 'session.ended')).toMatchObject([{ detail: { reason: 'exited', exitCode: 3 } }]);
  const { openedAt } = await portal.ended(id);
  const day = openedAt.toISOString().slice(0, 7).replace('-', '/');
  const log = await readFile(join(portal.dataDir, 'recordings', day, id, 'log'));
  expect(await person.api('GET', `/sessions/${id}`)).toMatchObject({ state: 'ended', recordedBytes: log.length });
});

it('a portal that is killed meanwhile has lost no event, and takes the shell up again', async () => {
  const { id, terminal } = await person.whole();
  await stop();
  await told(terminal, 'database-away');
  await terminal.run('kubectl get --raw /api/v1/namespaces/before-the-kill');
  await portal.kill();
  await start();
  await portal.up();
  await until(async () => (await refused(id, 'before-the-kill')).length === 1, { what: 'the call in the audit log' });
  await terminal.connect();
  expect(await terminal.run('echo still here')).toBe('still here\r\n');
  terminal.type('exit\r');
  expect(await portal.ended(id)).toMatchObject({ endReason: 'exited', cleanupPending: false });
  expect(await leftovers(portal)).toEqual(nothing);
});
