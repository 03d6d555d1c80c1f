/**
 * `npm run up`: from a clone to a running portal. Everything it sets up is kept, so that the next start takes seconds.
 * The portal runs in the foreground; what shells need runs on when it is stopped.
 */
import { join } from 'node:path';
import { kubectlBinaries } from '../e2e/cluster/kubectl.ts';
import { startIdentityProvider, stopIdentityProvider } from '../e2e/idp/idp.ts';
import { listenerOn } from '../e2e/machine/listener.ts';
import { portIsFree } from '../e2e/machine/ports.ts';
import { run } from '../e2e/machine/run.ts';
import { onStop, say } from './steps.ts';
import { holdDataFolder, prepareDataFolder, readInstallation, writeInstallation } from './up/data-folder.ts';
import { settleDemo, welcome } from './up/demo.ts';
import { DEMO_CLUSTER, startDemoCluster } from './up/demo-cluster.ts';
import { chooseEngine, dockerClient } from './up/engine.ts';
import { HelpAsked, parseUp, UP_USAGE, UsageError } from './up/options.ts';
import type { UpOptions } from './up/options.ts';
import { portalAdmin } from './up/portal-admin.ts';
import type { ClusterAccess } from './up/portal-admin.ts';
import { portalEnv } from './up/portal-env.ts';
import type { Prepared } from './up/portal-env.ts';
import { portalReady, startPortal, stopLeftPortal } from './up/portal-process.ts';
import { prepareSandboxImage } from './up/sandbox-image.ts';
import { removeOldSandboxImages } from '../sandbox/image/clean-up.ts';
import { buildWeb } from './web-build.ts';

/** Thrown when the person stopped it; nothing is wrong. */
class Stopped extends Error {}

/** Thrown when the portal, which had been ready, is gone. */
class PortalEnded extends Error {}

const stopping = new AbortController();
onStop(() => stopping.abort(new Stopped()));

async function requirePort(option: string, port: number): Promise<void> {
  if (await portIsFree(port)) return;
  const who = listenerOn(port);
  throw new UsageError(
    `port ${port} is taken${who ? ` by ${who}` : ''}; stop that, or choose another with --${option}`,
  );
}

type Cluster = ClusterAccess & { name: string };

/** What the portal will call the operator's cluster. */
async function contextName({ file, context }: { file: string; context: string | undefined }): Promise<string> {
  if (context) return context;
  const kubectl = join(await kubectlBinaries(), 'kubectl');
  return (await run(kubectl, [`--kubeconfig=${file}`, 'config', 'current-context'])).trim();
}

/** The cluster to register, if any; the demo's is started first. */
async function prepareCluster({ cluster, dataDir }: UpOptions): Promise<Cluster | undefined> {
  if (cluster.kind === 'none') return undefined;
  if (cluster.kind === 'kubeconfig')
    return {
      name: await contextName(cluster),
      kubeconfig: cluster.file,
      context: cluster.context,
      namespace: cluster.namespace,
    };
  if (process.getuid?.() !== 0) {
    say('Demo cluster: left out, since its node needs root; register a cluster of yours with --kubeconfig FILE');
    return undefined;
  }
  return { name: DEMO_CLUSTER, kubeconfig: await startDemoCluster(dataDir, say), context: undefined };
}

async function prepareEngine({ dataDir }: UpOptions): Promise<Pick<Prepared, 'engine' | 'image'>> {
  const engine = await chooseEngine(dataDir, say);
  const image = await prepareSandboxImage(engine.dockerHost, say);
  const removed = await removeOldSandboxImages(dockerClient(engine.dockerHost));
  if (removed.length > 0) say(`Sandbox image: removed ${removed.join(', ')}, which nothing uses any more`);
  return { engine, image };
}

async function up(options: UpOptions): Promise<void> {
  const { dataDir } = options;
  await prepareDataFolder(dataDir);
  using _held = holdDataFolder(dataDir);
  if (await stopLeftPortal(dataDir)) say('Portal: ended the one that a killed npm run up had left');
  await requirePort('port', options.port);
  await requirePort('gateway-port', options.gatewayPort);
  const [{ engine, image }, cluster, built] = await Promise.all([
    prepareEngine(options),
    prepareCluster(options),
    buildWeb(say),
  ]);
  if (!built) throw new Error('the pages could not be built; the output above says why');
  await writeInstallation(dataDir, {
    ...readInstallation(dataDir),
    engine,
  });
  const provider = process.env['SALLYPORT_OIDC_ISSUER']
    ? undefined
    : await startIdentityProvider(join(dataDir, 'idp'), { endsWithUs: true });
  stopping.signal.throwIfAborted();
  const env = portalEnv(options, { engine, image, provider }, process.env);
  say('Portal: starting');
  const portal = startPortal(dataDir, env);
  const asked = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
  try {
    const url = env['SALLYPORT_PUBLIC_URL'] ?? `http://localhost:${options.port}`;
    const local = `http://localhost:${options.port}`;
    const gatewayUrl = env['SALLYPORT_GATEWAY_URL'] ?? `https://localhost:${options.gatewayPort}`;
    await Promise.race([portalReady(local, portal), asked]);
    stopping.signal.throwIfAborted();
    const admin = portalAdmin(env);
    const [demo] = await Promise.all([
      settleDemo({ url, gatewayUrl, dataDir }, local, admin),
      cluster && admin.cluster(cluster.name, cluster),
    ]);
    say(welcome(demo, provider));
    if (options.json) process.stdout.write(`${JSON.stringify(demo)}\n`);
    const end = await Promise.race([asked, portal.ended]);
    if (end)
      throw new PortalEnded(`the portal ended by itself (${end.signal ?? `code ${end.code}`}); its log: ${portal.log}`);
  } finally {
    say('Portal: stopping');
    await portal.stop();
    if (provider) await stopIdentityProvider(join(dataDir, 'idp'), { remove: false });
  }
  const still = ['sessions and their sandboxes', 'the database', ...(engine.own ? ['the container engine'] : [])];
  if (options.cluster.kind === 'demo' && cluster) still.push('the demo cluster');
  say(`Stopped. Still running: ${still.join(', ')}. npm run up continues; npm run down ends and removes them.`);
}

try {
  await up(parseUp(process.argv.slice(2)));
} catch (error) {
  if (error instanceof HelpAsked) process.stdout.write(`${UP_USAGE}\n`);
  else if (error instanceof UsageError) say(`${error.message}\n\n${UP_USAGE}`);
  else if (error instanceof PortalEnded) say(`Sallyport stopped: ${error.message}`);
  else if (!(error instanceof Stopped))
    say(`Sallyport could not start: ${error instanceof Error ? error.message : String(error)}`);
  const asked = error instanceof Stopped || error instanceof HelpAsked;
  process.exitCode = error instanceof UsageError ? 2 : asked ? 0 : 1;
}
