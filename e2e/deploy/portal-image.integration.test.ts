import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attach } from '../../bench/ours.ts';
import { Portal } from '../../bench/rest.ts';
import { PROMPT, Reader } from '../../bench/terminal.ts';
import { testDatabase, type TestDatabase } from '../database.ts';
import { dockerAt, type DockerCli } from '../engine/docker.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { freePort } from '../machine/ports.ts';
import { until } from '../machine/until.ts';
import { testCluster, testEngine, testSandboxImage } from '../use.ts';
import { isProven, setProven } from './inputs.ts';
import { ensureNodeImage } from './node-image.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const IMAGE = 'sallyport.local/portal:test';
const id = randomBytes(4).toString('hex');
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** A role that owns the tables and one that the portal works as, as deploy/postgres/roles.sh makes them. */
async function makeRoles(
  database: TestDatabase,
): Promise<{ url: string; migrationUrl: string; drop(): Promise<void> }> {
  const admin = postgres(database.url, { max: 1, onnotice: () => undefined });
  const urls = ['owner', 'portal'].map((name) => {
    const url = new URL(database.url);
    url.username = `image_${id}_${name}`;
    url.password = randomBytes(16).toString('hex');
    return url;
  }) as [URL, URL];
  for (const url of urls) await admin.unsafe(`create role ${url.username} login password '${url.password}'`);
  const name = urls[0].pathname.slice(1);
  await admin.unsafe(`alter database ${name} owner to ${urls[0].username}`);
  return {
    url: urls[1].href,
    migrationUrl: urls[0].href,
    async drop() {
      await admin.unsafe(`alter database ${name} owner to current_user`);
      for (const url of urls) await admin.unsafe(`drop owned by ${url.username} cascade; drop role ${url.username}`);
      await admin.end();
    },
  };
}

// The build runs where one of its inputs changed, and in the full round.
describe.skipIf(isProven(root) && process.env['SALLYPORT_ROUNDS'] !== 'full')('the image', { timeout: 900_000 }, () => {
  const cleanUp = new AsyncDisposableStack();
  let docker: DockerCli;
  let url: string;
  let portal: Portal;
  let shellWorked = false;
  const names = { portal: `sallyport-image-${id}-portal`, web: `sallyport-image-${id}-web` };

  beforeAll(async () => {
    const { socket } = await testEngine();
    docker = dockerAt(socket);
    const node = await ensureNodeImage(socket, say);
    say('Portal image: building (some minutes where nothing is cached)');
    await docker.run(['build', '--network', 'host', '--build-arg', `NODE_IMAGE=${node}`, '--tag', IMAGE, root]);
    const sandboxImage = await testSandboxImage();

    const database = cleanUp.use(await testDatabase());
    const roles = await makeRoles(database);
    cleanUp.defer(() => roles.drop());
    // Sockets' paths end at 107 bytes.
    const runtime = await mkdtemp('/tmp/sp-');
    cleanUp.defer(() => rm(runtime, { recursive: true, force: true }));
    await chown(runtime, 10_001, 10_001);
    const volume = `sallyport-image-${id}`;
    cleanUp.defer(async () => void (await docker.run(['volume', 'rm', '--force', volume])));

    const [port, gatewayPort, internalPort, webPort] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    url = `http://localhost:${port}`;
    const secret = randomBytes(32).toString('hex');
    const start = async (name: string, command: string[], env: Record<string, string>, options: string[]) => {
      cleanUp.defer(async () => void (await docker.run(['rm', '--force', '--volumes', name])));
      const hardened = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--tmpfs', '/tmp'];
      const settings = Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
      const all = ['--detach', '--name', name, '--network', 'host', ...hardened, ...settings, ...options];
      await docker.run(['run', ...all, IMAGE, ...command]);
    };
    await start(
      names.web,
      ['web', '--hostname', '127.0.0.1'],
      {
        PORT: String(webPort),
        NEXTAUTH_URL: url,
        NEXTAUTH_SECRET: secret,
        SALLYPORT_INTERNAL_URL: `http://127.0.0.1:${internalPort}`,
      },
      ['--no-healthcheck'],
    );
    await start(
      names.portal,
      [],
      {
        DATABASE_URL: roles.url,
        MIGRATION_DATABASE_URL: roles.migrationUrl,
        DOCKER_HOST: 'unix:///var/run/docker.sock',
        SALLYPORT_HOST: '127.0.0.1',
        SALLYPORT_PORT: String(port),
        SALLYPORT_GATEWAY_PORT: String(gatewayPort),
        SALLYPORT_INTERNAL_PORT: String(internalPort),
        SALLYPORT_WEB_URL: `http://127.0.0.1:${webPort}`,
        SALLYPORT_WEB_SECRET: secret,
        SALLYPORT_SANDBOX_IMAGE: sandboxImage,
        SALLYPORT_CLUSTER_PRIVATE: 'on',
        SALLYPORT_RUNTIME_DIR: runtime,
      },
      [
        `--group-add=${(await stat(socket)).gid}`,
        `--volume=${socket}:/var/run/docker.sock`,
        `--volume=${runtime}:${runtime}`,
        `--volume=${volume}:/data`,
      ],
    );
    await until(async () => (await fetch(`${url}/readyz`)).ok, {
      within: 60_000,
      what: async () => `the portal's readiness (${await logs(names.portal)})`,
    });
    const admin = (...words: string[]) => docker.run(['exec', names.portal, 'node', 'server/admin.ts', ...words]);
    await admin('user', 'add', '--email', 'ada@example.com', '--name', 'Ada', '--role', 'admin');
    const { token } = JSON.parse(await admin('token', 'create', '--email', 'ada@example.com', '--name', 'test')) as {
      token: string;
    };
    portal = new Portal(url, token);
  }, 900_000);

  const logs = async (name: string) => {
    const lines: string[] = [];
    await docker.run(['logs', '--tail', '20', name], { onLine: (line) => lines.push(line) });
    return lines.join('\n');
  };

  afterAll(() => cleanUp.disposeAsync());

  test('runs as a user of its own, with no capability, on a root that it cannot write', async () => {
    const inside = (...words: string[]) => docker.run(['exec', names.portal, ...words]);
    expect((await inside('id', '-u')).trim()).toBe('10001');
    const status = await inside('cat', '/proc/1/status');
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(status).toMatch(/^CapEff:\s+0+$/m);
    await expect(inside('sh', '-c', 'echo x > /opt/sallyport/server/main.ts')).rejects.toThrow(/denied|Read-only/);
    await expect(inside('touch', '/etc/x')).rejects.toThrow(/denied|Read-only/);
  });

  test('its health check passes', async () => {
    await until(
      async () =>
        (await docker.run(['inspect', '--format', '{{.State.Health.Status}}', names.portal])).trim() === 'healthy',
      { within: 30_000, what: () => logs(names.portal) },
    );
  });

  test('shows pages that the other container renders', async () => {
    const answer = await fetch(`${url}/sign-in`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('Sallyport');
  });

  test('opens a shell on a cluster, in which kubectl works', async () => {
    const { kubeconfig } = await testCluster();
    const namespace = `image-${id}`;
    await kubectlAsAdmin('create', 'namespace', namespace);
    cleanUp.defer(async () => void (await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false')));
    await portal.call('POST', '/api/v1/clusters', {
      name: 'test',
      namespace,
      connection: { kind: 'kubeconfig', kubeconfig: await readFile(kubeconfig, 'utf8') },
    });
    const { session, ticket } = await portal.open('test', 'admin');
    const terminal = await attach(portal, session.id, ticket);
    const reader = new Reader(terminal);
    await reader.until(PROMPT);
    await reader.run('kubectl get namespace kube-system --output name');
    expect(reader.tail).toContain('namespace/kube-system');
    await terminal.close();
    await portal.end(session.id);
    const recording = await portal.bytes(`/api/v1/sessions/${session.id}/recording`);
    expect(recording.includes('namespace/kube-system')).toBe(true);
    await portal.call('DELETE', '/api/v1/clusters/test');
    shellWorked = true;
  });

  test('stops in order', async () => {
    const started = Date.now();
    await docker.run(['stop', '--time', '25', names.portal]);
    expect(Date.now() - started).toBeLessThan(20_000);
    expect((await docker.run(['inspect', '--format', '{{.State.ExitCode}}', names.portal])).trim()).toBe('0');
    if (shellWorked) await setProven(root);
  });
});
