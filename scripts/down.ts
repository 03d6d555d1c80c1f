/** `npm run down`: ends and removes all that `npm run up` made: shells, cluster, engine, database, data. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { startPostgres, stopPostgres } from '../db/embedded/postgres.ts';
import { stopCluster } from '../e2e/cluster/cluster.ts';
import { stopEngine } from '../e2e/engine/engine.ts';
import { stopIdentityProvider } from '../e2e/idp/idp.ts';
import { removeFolder } from '../e2e/machine/mounts.ts';
import { until } from '../e2e/machine/until.ts';
import { say } from './steps.ts';
import { readInstallation, upRunning } from './up/data-folder.ts';
import { DEMO_CLUSTER } from './up/demo-cluster.ts';
import { dockerClient } from './up/engine.ts';
import { DOWN_USAGE, HelpAsked, parseDown, UsageError } from './up/options.ts';
import type { DownOptions } from './up/options.ts';
import { portalAdmin } from './up/portal-admin.ts';
import { operatorsSettings } from './up/portal-env.ts';
import { stopLeftPortal } from './up/portal-process.ts';

/** The portal's id, by which what belongs to it elsewhere is known. */
async function portalId(dataDir: string): Promise<string | undefined> {
  const own = process.env['DATABASE_URL'];
  if (!own && !existsSync(join(dataDir, 'postgres', 'data'))) return undefined;
  const url = new URL(own ?? (await startPostgres(join(dataDir, 'postgres'))).adminUrl);
  if (!own) url.pathname = '/sallyport';
  const sql = postgres(url.href, { max: 1, connect_timeout: 5, onnotice: () => undefined });
  try {
    const [row] = await sql<{ value: string }[]>`select value from settings where key = 'portal-id'`;
    return row?.value;
  } catch {
    return undefined; // it never came so far as to have one
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Our containers on an engine that is not ours. */
async function removeContainers(dockerHost: string, portal: string): Promise<void> {
  const docker = dockerClient(dockerHost);
  const filters = { label: [`sallyport.portal=${portal}`] };
  for (const { Id } of await docker.listContainers({ all: true, filters }))
    await docker.getContainer(Id).remove({ force: true });
}

/** What the portal put on clusters that are not ours. Throws where one could not be left. */
async function leaveClusters({ dataDir, kubeconfig }: DownOptions): Promise<void> {
  const env = { ...operatorsSettings(process.env), NODE_ENV: 'production' as const, SALLYPORT_DATA_DIR: dataDir };
  const operators = kubeconfig && { kubeconfig: kubeconfig.file, context: kubeconfig.context };
  const clusters = await portalAdmin(env).leaveClusters(operators, DEMO_CLUSTER);
  for (const { name, failed, removed, left, commands } of clusters) {
    if (failed) say(`Cluster ${name}: ${failed}`);
    for (const one of removed) say(`Cluster ${name}: removed ${one}`);
    for (const one of left) say(`Cluster ${name}: left ${one}`);
    if (commands.length > 0) say(`Cluster ${name}: an administrator of it removes that with`);
    for (const line of commands) say(`  ${line}`);
  }
  const failed = clusters.filter((one) => one.failed).map(({ name }) => name);
  if (failed.length > 0)
    throw new Error(
      `nothing was removed on ${failed.join(', ')}; run this again when it answers, with --kubeconfig FILE, or with --leave-clusters`,
    );
}

/** Does what it can: one part that is out of reach keeps no other from being removed. */
async function attempt(what: string, work: () => Promise<void>): Promise<void> {
  try {
    say(`${what}: ending`);
    await work();
  } catch (error) {
    say(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

async function down(options: DownOptions): Promise<void> {
  const { dataDir } = options;
  const installation = readInstallation(dataDir);
  if (!installation) {
    if (existsSync(dataDir)) throw new UsageError(`${dataDir} was not made by npm run up; nothing is removed`);
    return say(`Nothing to do: there is no ${dataDir}`);
  }
  const running = upRunning(dataDir);
  if (running !== undefined)
    await attempt('Portal', async () => {
      process.kill(running, 'SIGTERM');
      await until(() => upRunning(dataDir) === undefined, { within: 40_000, what: 'the end of npm run up' });
    });
  await stopLeftPortal(dataDir);
  const portal = await portalId(dataDir);
  const { engine } = installation;
  if (engine && !engine.own && portal) await attempt('Shells', () => removeContainers(engine.dockerHost, portal));
  if (portal && !options.leaveClusters) await attempt('Clusters', () => leaveClusters(options));
  if (existsSync(join(dataDir, 'engine')))
    await attempt('Container engine', () => stopEngine(join(dataDir, 'engine'), { remove: true }));
  if (existsSync(join(dataDir, 'demo')))
    await attempt('Demo cluster', () => stopCluster(join(dataDir, 'demo'), { remove: true }));
  if (existsSync(join(dataDir, 'idp')))
    await attempt('Identity provider', () => stopIdentityProvider(join(dataDir, 'idp'), { remove: true }));
  if (existsSync(join(dataDir, 'postgres')))
    await attempt('Database', () => stopPostgres(join(dataDir, 'postgres'), { remove: true }));
  if (process.exitCode) return say(`${dataDir} is kept, for what could not be ended; run this again`);
  await removeFolder(dataDir);
  say(`Removed: ${dataDir}`);
}

try {
  await down(parseDown(process.argv.slice(2)));
} catch (error) {
  if (error instanceof HelpAsked) process.stdout.write(`${DOWN_USAGE}\n`);
  else say(error instanceof UsageError ? `${error.message}\n\n${DOWN_USAGE}` : String(error));
  process.exitCode = error instanceof HelpAsked ? 0 : error instanceof UsageError ? 2 : 1;
}
