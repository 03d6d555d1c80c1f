/** The container engine stops while people work, and comes back: what they see, what goes on, what ends. */
import Docker from 'dockerode';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ownEngine, type OwnEngine } from '../engine/own-engine.ts';
import { leftovers, nothing } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { TestPortal } from '../portal.ts';
import type { TerminalClient } from '../terminal-client.ts';

type Ready = { ready: boolean; components: Record<string, { ok: boolean; message: string | null }> };

let stack: AsyncDisposableStack;
let engine: OwnEngine;
/** The streams of one travel by sockets, those of the other through the engine. */
let sockets: TestPortal;
let exec: TestPortal;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  engine = stack.use(await ownEngine());
  sockets = stack.use(await TestPortal.start({ engine }));
  exec = stack.use(await TestPortal.start({ engine, env: { SALLYPORT_SANDBOX_MODE: 'exec' } }));
});
afterEach(() => engine?.start());
afterAll(() => stack?.disposeAsync());

const readiness = async (portal: TestPortal) => (await fetch(`${portal.url}/readyz`)).json() as Promise<Ready>;
const told = (terminal: TerminalClient, code: string, text = /./) =>
  until(() => terminal.banners.some((banner) => banner.code === code && text.test(banner.text)), {
    what: () => `the banner ${code} among ${JSON.stringify(terminal.banners)}`,
  });
const nothingLeft = (portal: TestPortal) =>
  until(async () => JSON.stringify(await leftovers(portal)) === JSON.stringify(nothing), {
    within: 10_000,
    what: async () => `nothing left: ${JSON.stringify(await leftovers(portal))}`,
  });

it('a shell goes on, and is told; nothing opens until the engine is back', async () => {
  const person = await sockets.visitor();
  const { id, terminal } = await person.whole();
  await engine.stop();
  await told(terminal, 'engine-away', /container engine does not answer.*This shell goes on/);
  const { ready, components } = await readiness(sockets);
  expect(ready).toBe(false);
  expect(components).toMatchObject({ engine: { ok: false }, database: { ok: true } });
  expect(components['engine']!.message).toMatch(/container engine does not answer/);
  expect(await terminal.run('kubectl get namespace default --output name')).toBe('namespace/default\r\n');
  await expect(person.open()).rejects.toMatchObject({
    status: 503,
    code: 'engine-unavailable',
    message: expect.stringMatching(/container engine does not answer.*Start the container engine/s),
  });
  // A page that comes meanwhile is told, too.
  const second = await person.terminal(id).connect();
  await told(second, 'engine-away');

  await engine.start();
  await told(second, 'engine-back');
  expect(await readiness(sockets)).toMatchObject({ components: { engine: { ok: true } } });
  expect(await second.run('echo still here')).toBe('still here\r\n');
  const another = await person.whole();
  for (const session of [id, another.id]) await person.api('POST', `/sessions/${session}/end`);
  await nothingLeft(sockets);
});

it('a shell that died with it says so, and ends once the engine is back', async () => {
  const person = await sockets.visitor();
  const { id, terminal } = await person.whole();
  const docker = new Docker({ socketPath: engine.socket });
  const [container] = await docker.listContainers({ filters: { label: [`sallyport.session=${id}`] } });
  const { State } = await docker.getContainer(container!.Id).inspect();
  await engine.stop();
  process.kill(State.Pid, 'SIGKILL');
  await told(terminal, 'shell-away', /does not answer, and neither does the container engine/);
  expect(terminal.closed).toBeUndefined();

  await engine.start();
  expect(await terminal.close()).toMatchObject({ code: 4002 });
  const ended = await sockets.ended(id);
  expect(ended).toMatchObject({ endReason: 'fault', cleanupPending: false });
  expect(ended.endDetail).toMatch(/container stopped/);
  expect(await person.api('GET', `/sessions/${id}`)).toMatchObject({ state: 'ended', endDetail: ended.endDetail });
  await nothingLeft(sockets);
});

it('an end while it is away is an end; its container goes when the engine is back', async () => {
  const person = await sockets.visitor();
  const { id, terminal } = await person.whole();
  await engine.stop();
  await person.api('POST', `/sessions/${id}/end`);
  expect(await terminal.close()).toMatchObject({ code: 4002 });
  expect(await sockets.ended(id)).toMatchObject({ endReason: 'ended-by-person', cleanupPending: true });

  await engine.start();
  await nothingLeft(sockets);
  await until(async () => !(await sockets.ended(id)).cleanupPending, { what: 'the clean row' });
});

it('streams through the engine stop with it, and go on where they were', async () => {
  const person = await exec.visitor();
  const { id, terminal } = await person.whole();
  await terminal.run('echo before');
  await engine.stop();
  await told(terminal, 'shell-away', /does not answer.*What you type is kept/);
  terminal.type('echo typed while $((40 + 2)) was away\r');

  await engine.start();
  await terminal.shows(/typed while 42 was away/);
  // Whichever answers last is told of.
  const last = () => terminal.banners.at(-1)?.code;
  await until(() => last() === 'shell-back' || last() === 'engine-back', { what: () => `the end of ${last()}` });
  expect(await terminal.run('kubectl get namespace default --output name')).toBe('namespace/default\r\n');
  expect(terminal.text.match(/typed while 42 was away/g)).toHaveLength(1);
  terminal.type('exit\r');
  expect(await exec.ended(id)).toMatchObject({ endReason: 'exited' });
  await nothingLeft(exec);
});
