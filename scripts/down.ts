/** `npm run down`: ends and removes all that `npm run up` made: shells, cluster, engine, database, data. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { startPostgres, stopPostgres } from '../db/embedded/postgres.ts';
import { stopCluster } from '../e2e/cluster/cluster.ts';
import { kubectlBinaries } from '../e2e/cluster/kubectl.ts';
import { stopEngine } from '../e2e/engine/engine.ts';
import { stopIdentityProvider } from '../e2e/idp/idp.ts';
import { removeFolder } from '../e2e/machine/mounts.ts';
import { run } from '../e2e/machine/run.ts';
import { until } from '../e2e/machine/until.ts';
import { say } from './steps.ts';
import { readInstallation, upRunning } from './up/data-folder.ts';
import type { Installation } from './up/data-folder.ts';
import { dockerClient } from './up/engine.ts';
import { stopLeftPortal } from './up/portal-process.ts';
import { DOWN_USAGE, parseDown, UsageError } from './up/options.ts';

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

/** Our sessions' accounts and bindings on a cluster that is not ours. */
async function removeAccounts(
  { file, context }: NonNullable<Installation['kubeconfig']>,
  portal: string,
): Promise<void> {
  const kubectl = join(await kubectlBinaries(), 'kubectl');
  await run(kubectl, [
    `--kubeconfig=${file}`,
    ...(context ? [`--context=${context}`] : []),
    'delete',
    'serviceaccounts,rolebindings,clusterrolebindings',
    '--all-namespaces',
    `--selector=sallyport.dev/portal=${portal},sallyport.dev/session`,
    '--ignore-not-found',
  ]);
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

async function down(dataDir: string): Promise<void> {
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
  const { engine, kubeconfig } = installation;
  if (engine && !engine.own && portal) await attempt('Shells', () => removeContainers(engine.dockerHost, portal));
  if (kubeconfig && portal) await attempt('Session accounts', () => removeAccounts(kubeconfig, portal));
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
  await down(parseDown(process.argv.slice(2)).dataDir);
} catch (error) {
  say(error instanceof UsageError ? `${error.message}\n\n${DOWN_USAGE}` : String(error));
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
