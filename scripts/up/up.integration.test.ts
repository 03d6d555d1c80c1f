import { existsSync, readFileSync, statSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kubectlAsAdmin } from '../../e2e/leftovers.ts';
import { findProcesses, isRunning, startTimeOf } from '../../e2e/machine/processes.ts';
import { freePort, portIsFree } from '../../e2e/machine/ports.ts';
import { runDown, startUp } from '../../e2e/up.ts';
import { until } from '../../e2e/machine/until.ts';
import { testCluster, testEngine, testSandboxImage } from '../../e2e/use.ts';
import { upRunning } from './data-folder.ts';
import { buildWeb } from '../web-build.ts';

let root: string;
let dataDir: string;
/** Of the portal's account on the shared cluster. */
const namespace = `sallyport-up-${process.pid}`;
let port: number;
let gatewayPort: number;
let args: string[];
let env: Record<string, string>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sallyport-up-'));
  await chmod(root, 0o711);
  dataDir = join(root, 'data');
  [port, gatewayPort] = [await freePort(), await freePort()];
  const { kubeconfig } = await testCluster();
  const { socket } = await testEngine();
  await testSandboxImage();
  await buildWeb(() => undefined);
  args = ['--port', String(port), '--gateway-port', String(gatewayPort), '--data-dir', dataDir];
  args.push('--kubeconfig', kubeconfig, '--namespace', namespace);
  env = { DOCKER_HOST: `unix://${socket}` };
}, 600_000);

afterAll(async () => {
  if (existsSync(dataDir)) await runDown(dataDir);
  await rm(root, { recursive: true, force: true });
});

/** Who the API token is. */
async function me({ url, apiToken }: { url: string; apiToken: string }): Promise<unknown> {
  return (await fetch(`${url}/api/v1/me`, { headers: { authorization: `Bearer ${apiToken}` } })).json();
}

function postgresPid(): string {
  return readFileSync(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')[0] ?? '';
}

type Process = { pid: number; startTime: string };

function portalAndWeb(): [portal: Process, web: Process] {
  const portal = Number(readFileSync(join(dataDir, 'portal.lock'), 'utf8'));
  const web = Number(readFileSync(`/proc/${portal}/task/${portal}/children`, 'utf8'));
  const [one, other] = [portal, web].map((pid) => ({ pid, startTime: startTimeOf(pid)! }));
  return [one!, other!];
}

/** Whether a SIGTERM waits for a process that is stopped (proc(5), ShdPnd: bit 14 is signal 15). */
function isAskedToEnd(pid: number): boolean {
  const [, pending] = /^ShdPnd:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return (Number.parseInt(pending!, 16) & (1 << 14)) !== 0;
}

test('up, up again, a killed up, down', async () => {
  const first = await startUp(args, env);
  const { pid: _pid, said: _said, stop: _stop, ended: _ended, ...demo } = first;
  expect(demo).toEqual(JSON.parse(readFileSync(join(dataDir, 'demo.json'), 'utf8')));
  expect(statSync(join(dataDir, 'demo.json')).mode & 0o777).toBe(0o600);
  expect(demo).toEqual({
    url: `http://localhost:${port}`,
    gatewayUrl: `https://localhost:${gatewayPort}`,
    admin: { email: expect.stringContaining('@'), password: expect.any(String) },
    apiToken: expect.stringMatching(/^sp_/),
    dataDir,
  });
  expect(await me(demo)).toMatchObject({ email: demo.admin.email, portal: 'admin' });
  const clusters = await fetch(`${first.url}/api/v1/clusters`, {
    headers: { authorization: `Bearer ${first.apiToken}` },
  });
  expect(await clusters.json()).toMatchObject({ items: [{ name: 'sallyport', managed: true }] });

  // One at a time on a folder.
  await expect(startUp(args, env)).rejects.toThrow('runs already on');

  expect(await first.stop()).toBe(0);
  expect(first.said()).toContain('Still running: sessions and their sandboxes, the database');
  expect(await portIsFree(port)).toBe(true);
  const database = postgresPid();

  const second = await startUp(args, env);
  expect(second).toMatchObject(demo);
  expect(postgresPid()).toBe(database);
  // Where npm is killed, it ends in order.
  process.kill(second.pid, 'SIGKILL');
  await until(() => portIsFree(port), { what: 'the end of the portal' });
  await until(() => upRunning(dataDir) === undefined, { what: 'the end of npm run up' });

  // Killed itself, it takes portal, pages and identity provider with it.
  const third = await startUp(args, env);
  const [portal, web] = portalAndWeb();
  process.kill(upRunning(dataDir)!, 'SIGKILL');
  await third.ended;
  await until(() => !isRunning(portal) && !isRunning(web), { what: 'the end of portal and pages' });
  await until(() => findProcesses(join(dataDir, 'idp')).length === 0, { what: 'the end of the identity provider' });
  expect(postgresPid()).toBe(database);

  // A portal that hears nothing is left; the next start takes the folder over.
  const fourth = await startUp(args, env);
  const [deaf] = portalAndWeb();
  process.kill(deaf.pid, 'SIGSTOP');
  process.kill(upRunning(dataDir)!, 'SIGKILL');
  await fourth.ended;
  const starting = startUp(args, env);
  await until(() => isAskedToEnd(deaf.pid), { what: 'the next start, which asks it to end' }).finally(() =>
    process.kill(deaf.pid, 'SIGCONT'),
  );
  const fifth = await starting;
  expect(fifth).toMatchObject(demo);
  expect(fifth.said()).toContain('ended the one that a killed npm run up had left');

  const said = await runDown(dataDir);
  expect(await fifth.ended).toBe(0);
  // Without the operator's kubeconfig the portal's account removes itself, and what it may not remove is said.
  expect(said).toContain(`no credential of the portal works any more`);
  expect(await kubectlAsAdmin('-n', namespace, 'get', 'serviceaccounts', '-o', 'name')).not.toContain('sallyport');
  for (const [, command] of said.matchAll(/^ {2}kubectl (.*)$/gm))
    await kubectlAsAdmin(...command!.split(' '), '--wait=false');
  expect(await kubectlAsAdmin('get', 'clusterroles,clusterrolebindings', '-o', 'name')).not.toContain(namespace);
  expect(existsSync(dataDir)).toBe(false);
  expect(findProcesses(join(dataDir, 'idp'))).toEqual([]);
  expect(await portIsFree(port)).toBe(true);
}, 240_000);

test('a port that is taken is said with who has it and what to do', async () => {
  const server = createServer().listen(port, '127.0.0.1');
  await expect(startUp(args, env)).rejects.toThrow(
    new RegExp(`port ${port} is taken by .*\\(pid ${process.pid}\\); stop that, or choose another with --port`),
  );
  server.close();
});
