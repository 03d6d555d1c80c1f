import { cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { COMPOSE_NEEDS } from '../machine/needs.ts';
import { ensurePackages } from '../machine/packages.ts';
import { run } from '../machine/run.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

type Service = {
  command?: string[];
  cap_drop?: string[];
  environment?: Record<string, string>;
  networks?: Record<string, unknown>;
  ports?: string[];
  privileged?: boolean;
  read_only?: boolean;
  secrets?: { source: string }[];
  security_opt?: string[];
  user?: string;
  volumes?: string[];
};
type Compose = { services: Record<string, Service>; secrets: Record<string, { file: string }> };

let folder: string;
let compose: Compose;

beforeAll(async () => {
  await ensurePackages(COMPOSE_NEEDS, (line) => process.stderr.write(`${line}\n`));
  folder = await mkdtemp(join(tmpdir(), 'sallyport-compose-'));
  await cp(join(root, 'docker-compose.yml'), join(folder, 'docker-compose.yml'));
  await cp(join(root, 'deploy'), join(folder, 'deploy'), {
    recursive: true,
    filter: (path) => !path.endsWith('/deploy/secrets'),
  });
  await run('sh', ['deploy/secrets.sh'], { cwd: folder, env: { ...process.env, DOCKER_SOCKET: '/nowhere' } });
  compose = parse(await run('docker-compose', ['config'], { cwd: folder })) as Compose;
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('docker-compose accepts the file in a fresh clone, before anything was made', async () => {
  const clean = await mkdtemp(join(tmpdir(), 'sallyport-compose-'));
  try {
    await cp(join(root, 'docker-compose.yml'), join(clean, 'docker-compose.yml'));
    await run('docker-compose', ['config', '--quiet'], { cwd: clean });
  } finally {
    await rm(clean, { recursive: true, force: true });
  }
});

test('every secret has a file that secrets.sh made; no secret stands in the environment', async () => {
  const made = new Set(await readdir(join(folder, 'deploy/secrets')));
  expect(Object.keys(compose.secrets).filter((name) => !made.has(name))).toEqual([]);
  expect((await stat(join(folder, 'deploy/secrets'))).mode & 0o077).toBe(0);
  const values = await Promise.all([...made].map((name) => readFile(join(folder, 'deploy/secrets', name), 'utf8')));
  expect(new Set(values).size).toBe(values.length);
  const text = JSON.stringify(compose.services);
  for (const value of values) expect(text).not.toContain(value);
});

test('secrets.sh changes nothing the second time', async () => {
  const read = async () => {
    const names = (await readdir(join(folder, 'deploy/secrets'))).toSorted();
    return Promise.all(names.map((name) => readFile(join(folder, 'deploy/secrets', name), 'utf8')));
  };
  const before = await read();
  await run('sh', ['deploy/secrets.sh'], { cwd: folder, env: { ...process.env, DOCKER_SOCKET: '/nowhere' } });
  expect(await read()).toEqual(before);
});

test('portal and web are hardened, and only the portal has keys, engine, database and clusters in reach', () => {
  const { portal, web } = compose.services as Record<'portal' | 'web', Service>;
  for (const service of [portal, web]) {
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    expect(service.user ?? '10001').not.toBe('0');
    expect(service.privileged).toBeUndefined();
  }
  expect(Object.keys(web.networks!)).toEqual(['web']);
  expect(web.volumes ?? []).toEqual([]);
  expect(web.secrets!.map((secret) => secret.source)).toEqual(['web_secret']);
});

test('what is published is published on loopback only', () => {
  for (const service of Object.values(compose.services))
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
});

test('the engine finds session folders where the portal makes them', () => {
  const { portal } = compose.services as Record<'portal', Service>;
  const runtime = portal.environment!['SALLYPORT_RUNTIME_DIR']!;
  expect(portal.volumes).toContain(`${runtime}:${runtime}:rw`);
});

test('Keycloak starts with three people, one in each group that the portal seeds a role for', async () => {
  const realm = JSON.parse(await readFile(join(folder, 'deploy/keycloak/sallyport-realm.json'), 'utf8')) as {
    groups: { name: string }[];
    users: { groups: string[]; credentials: { value: string; temporary: boolean }[] }[];
    clients: { clientId: string; secret: string; attributes: Record<string, string> }[];
  };
  const groups = ['sallyport-admins', 'sallyport-developers', 'sallyport-auditors'];
  expect(realm.groups.map((group) => group.name)).toEqual(groups);
  expect(realm.users.map((user) => user.groups)).toEqual(groups.map((name) => [`/${name}`]));
  for (const user of realm.users)
    expect(user.credentials).toEqual([{ type: 'password', value: '${FIRST_PASSWORD}', temporary: true }]);
  const { portal } = compose.services as Record<'portal', Service>;
  const client = realm.clients.find((one) => one.clientId === portal.environment!['SALLYPORT_OIDC_CLIENT_ID'])!;
  expect(client.secret).toBe('${SALLYPORT_CLIENT_SECRET}');
  expect(client.attributes['pkce.code.challenge.method']).toBe('S256');
});
