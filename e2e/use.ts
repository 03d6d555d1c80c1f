/**
 * What tests ask for real parts with. The first who asks starts the part, for all workers of the run. Parts that run
 * already are named by the environment: SALLYPORT_TEST_KUBECONFIG (with SALLYPORT_TEST_AUDIT_LOG),
 * SALLYPORT_TEST_DOCKER (a socket's path) and SALLYPORT_TEST_POSTGRES (a superuser's URL).
 */
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import Docker from 'dockerode';
import { startPostgres, stopPostgres } from '../db/embedded/postgres.ts';
import { kubernetesBinaries } from './cluster/binaries.ts';
import { startCluster, stopCluster } from './cluster/cluster.ts';
import type { Cluster } from './cluster/cluster.ts';
import { engineAnswers, engineSocket, startEngine, stopEngine } from './engine/engine.ts';
import { startIdentityProvider, stopIdentityProvider } from './idp/idp.ts';
import type { IdentityProvider } from './idp/idp.ts';
import { cacheFolder } from './machine/cache.ts';
import { instanceAt } from './machine/instance.ts';
import { whileLocked } from './machine/lock.ts';
import { CLUSTER_NEEDS, ENGINE_NEEDS } from './machine/needs.ts';
import { ensurePackages } from './machine/packages.ts';
import { prepareSandboxImage } from '../scripts/up/sandbox-image.ts';

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The run's folder. Throws outside of a vitest project that has e2e/parts.ts as its globalSetup. */
function partsFolder(): string {
  const folder = process.env['SALLYPORT_TEST_PARTS'];
  if (!folder) throw new Error('no folder for parts: this project of vitest lacks the globalSetup e2e/parts.ts');
  return folder;
}

/**
 * For the environment of our own programs that tests start. One leaves there what Node has compiled of it as it ends, by
 * the sources' hashes; for the next ones of the run that halves the work of loading.
 */
export function compileCache(): { NODE_COMPILE_CACHE: string } {
  return { NODE_COMPILE_CACHE: join(partsFolder(), 'compiled') };
}

function once<T>(name: string, start: (folder: string) => Promise<T>): Promise<T> {
  const root = partsFolder();
  return whileLocked(join(root, `${name}.lock`), () => start(join(root, name)));
}

/** A real Kubernetes with one real node; the admin's kubeconfig. Use a namespace of your own and remove it. */
export async function testCluster(): Promise<Cluster> {
  const kubeconfig = process.env['SALLYPORT_TEST_KUBECONFIG'];
  if (kubeconfig) {
    const server = /"?server"?:\s*"?([^\s",]+)/.exec(readFileSync(kubeconfig, 'utf8'))?.[1] ?? '';
    return { kubeconfig, server, auditLog: process.env['SALLYPORT_TEST_AUDIT_LOG'] ?? '', node: 'node-1' };
  }
  return once('cluster', async (folder) => {
    await ensurePackages(CLUSTER_NEEDS, say);
    return startCluster(folder, { binaries: await kubernetesBinaries(say), fsync: false });
  });
}

/** The socket of a real Docker engine. Label what you make and remove it. */
export async function testEngine(): Promise<{ socket: string }> {
  const socket = process.env['SALLYPORT_TEST_DOCKER'];
  if (socket) return { socket };
  // Images are dear to make: an engine that answers here anyway has them from the run before.
  if (existsSync('/var/run/docker.sock') && (await engineAnswers('/var/run/docker.sock')))
    return { socket: '/var/run/docker.sock' };
  return once('engine', async (folder) => {
    await ensurePackages(ENGINE_NEEDS, say);
    return startEngine(folder);
  });
}

/** The image of shells, in the engine of {@link testEngine}. Kept as an archive, so that the next run loads it. */
export async function testSandboxImage(): Promise<string> {
  const { socket } = await testEngine();
  return once('image', async (folder) => {
    const own = socket === engineSocket(instanceAt(join(partsFolder(), 'engine')));
    const docker = new Docker({ socketPath: socket });
    const archive = cacheFolder('sandbox-image.tar');
    if (own && !existsSync(folder) && existsSync(archive)) await load(docker, archive);
    mkdirSync(folder, { recursive: true });
    let built = false;
    const image = await prepareSandboxImage(`unix://${socket}`, (line) => {
      built = true;
      say(line);
    });
    if (own && built) await save(docker, image, archive);
    return image;
  });
}

async function load(docker: Docker, archive: string): Promise<void> {
  const answer = await docker.loadImage(createReadStream(archive));
  await new Promise<void>((resolve, reject) =>
    docker.modem.followProgress(answer, (error) => (error ? reject(error) : resolve())),
  );
}

async function save(docker: Docker, image: string, archive: string): Promise<void> {
  const part = `${archive}.${process.pid}.part`;
  await pipeline(await docker.getImage(image).get(), createWriteStream(part));
  await rename(part, archive);
}

/** A real Postgres: its superuser's URL, to the database `postgres`. See e2e/database.ts for one of your own. */
export async function testPostgres(): Promise<{ adminUrl: string }> {
  const adminUrl = process.env['SALLYPORT_TEST_POSTGRES'];
  if (adminUrl) return { adminUrl };
  return once('postgres', (folder) => startPostgres(folder, { fsync: false }));
}

/** A real OpenID provider; any portal on loopback may use it, whatever its port. */
export function testIdentityProvider(): Promise<IdentityProvider> {
  return once('idp', startIdentityProvider);
}

/** Ends what was started in a run's folder. */
export async function stopParts(folder: string): Promise<void> {
  const started = (name: string): boolean => existsSync(join(folder, name));
  if (started('cluster')) await stopCluster(join(folder, 'cluster'), { remove: true });
  if (started('engine')) await stopEngine(join(folder, 'engine'), { remove: true });
  if (started('idp')) await stopIdentityProvider(join(folder, 'idp'), { remove: true });
  if (started('postgres')) await stopPostgres(join(folder, 'postgres'), { remove: true });
}
