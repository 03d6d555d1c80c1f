import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseConfig } from './config.ts';
import { openDataDir } from './data-dir.ts';
import { ConfigError, readEnv } from './env.ts';
import { loadSecrets, rotateSigningKey } from './secrets.ts';
import { tableOf } from './table.ts';
import { variables } from './variables.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const parse = (env: Record<string, string>) => parseConfig(readEnv(env as unknown as NodeJS.ProcessEnv));

test('nothing need be set', () => {
  const config = parse({});
  expect(config.publicUrl).toBeNull();
  expect(config.listen).toEqual({ host: '127.0.0.1', port: 8080 });
  expect(config.database).toBeNull();
  expect(config.signIn).toMatchObject({ local: true, oidc: null, github: null, lifetimeMs: 12 * 3_600_000 });
  expect(config.sessionDefaults).toEqual({
    idleMs: 900_000,
    detachedMs: 300_000,
    hardCapMs: 28_800_000,
    maxSessions: 3,
  });
  expect(config.egress.allow).toEqual([]);
  expect(config.clusters.allowPrivate).toBe(false);
});

const oidc = {
  SALLYPORT_OIDC_ISSUER: 'https://id.example/realms/a',
  SALLYPORT_OIDC_CLIENT_ID: 'portal',
  SALLYPORT_OIDC_CLIENT_SECRET: 'x',
};

test.each<[string, Record<string, string>, string]>([
  ['a proxy domain with a scheme', { SALLYPORT_PROXY_DOMAIN: 'https://apps.example' }, 'SALLYPORT_PROXY_DOMAIN'],
  ['a proxy domain with a star', { SALLYPORT_PROXY_DOMAIN: '*.apps.example' }, 'SALLYPORT_PROXY_DOMAIN'],
  ['an origin with a path', { SALLYPORT_CORS_ORIGINS: 'https://board.example/' }, 'SALLYPORT_CORS_ORIGINS'],
  ['every origin', { SALLYPORT_CORS_ORIGINS: 'https://board.example, *' }, 'SALLYPORT_CORS_ORIGINS'],
  ['a folder that is none', { SALLYPORT_LINK_APP_DIR: join(folder, 'nowhere') }, 'SALLYPORT_LINK_APP_DIR'],
  ['a misspelt name', { SALLYPORT_PROT: '1' }, 'SALLYPORT_PROT'],
  ['a file for what is no secret', { SALLYPORT_PORT_FILE: '/x' }, 'SALLYPORT_PORT_FILE'],
  ['a port that is none', { SALLYPORT_PORT: '70000' }, 'SALLYPORT_PORT'],
  ['half a certificate', { SALLYPORT_TLS_KEY: '/x' }, 'SALLYPORT_TLS_CERT'],
  [
    'a certificate that is not there',
    { SALLYPORT_TLS_CERT: '/nonexistent', SALLYPORT_TLS_KEY: '/x' },
    'SALLYPORT_TLS_CERT',
  ],
  ['a public URL with a path', { SALLYPORT_PUBLIC_URL: 'https://a.example/portal' }, 'SALLYPORT_PUBLIC_URL'],
  ['plain http for others', { SALLYPORT_PUBLIC_URL: 'http://portal.example' }, 'SALLYPORT_PUBLIC_URL'],
  ['a proxy that is no network', { SALLYPORT_TRUSTED_PROXIES: '10.0.0.0/8,proxy' }, 'SALLYPORT_TRUSTED_PROXIES'],
  ['neither on, off nor a network', { SALLYPORT_CLUSTER_PRIVATE: 'yes' }, 'SALLYPORT_CLUSTER_PRIVATE'],
  ['an engine by TLS, which is not spoken', { DOCKER_HOST: 'https://engine:2376' }, 'DOCKER_HOST'],
  ['another database', { DATABASE_URL: 'mysql://u:p@h/d' }, 'DATABASE_URL'],
  ['a migrating role alone', { MIGRATION_DATABASE_URL: 'postgres://u@h/d' }, 'DATABASE_URL'],
  ['a provider without client', { SALLYPORT_OIDC_ISSUER: 'https://id.example' }, 'SALLYPORT_OIDC_CLIENT_ID'],
  ['a provider without secret', { ...oidc, SALLYPORT_OIDC_CLIENT_SECRET: '' }, 'SALLYPORT_OIDC_CLIENT_SECRET'],
  ['scopes without openid', { ...oidc, SALLYPORT_OIDC_SCOPES: 'email' }, 'SALLYPORT_OIDC_SCOPES'],
  [
    'GitHub for everybody',
    { SALLYPORT_GITHUB_CLIENT_ID: 'x', SALLYPORT_GITHUB_CLIENT_SECRET: 'x' },
    'SALLYPORT_GITHUB_GROUPS',
  ],
  ['a home larger than memory', { SALLYPORT_SANDBOX_HOME_MB: '512' }, 'SALLYPORT_SANDBOX_HOME_MB'],
  ['a mode there is not', { SALLYPORT_SANDBOX_MODE: 'vm' }, 'SALLYPORT_SANDBOX_MODE'],
  ['a secret twice', { SALLYPORT_MASTER_KEY: 'a', SALLYPORT_MASTER_KEY_FILE: '/x' }, 'SALLYPORT_MASTER_KEY'],
  ['a secret file that is not there', { SALLYPORT_WEB_SECRET_FILE: '/nonexistent' }, 'SALLYPORT_WEB_SECRET_FILE'],
])('%s is refused, and the variable named', (_what, env, variable) => {
  expect(() => parse(env)).toThrow(ConfigError);
  expect(() => parse(env)).toThrow(new RegExp(`^${variable}: `));
});

test('an error never shows a secret’s value', () => {
  expect(() => parse({ DATABASE_URL: 'mysql://portal:hunter2@h/d' })).toThrow(/^(?!.*hunter2)/);
});

test('secrets come from files, without the newline at their end', () => {
  const file = join(folder, 'secret');
  writeFileSync(file, 'from-a-file\n');
  const { SALLYPORT_OIDC_CLIENT_SECRET: _, ...rest } = oidc;
  expect(parse({ ...rest, SALLYPORT_OIDC_CLIENT_SECRET_FILE: file }).signIn.oidc?.clientSecret).toBe('from-a-file');
});

test('the issuer is taken to the letter, accepted ones and audiences besides', () => {
  const config = parse({
    ...oidc,
    SALLYPORT_OIDC_ISSUER: 'https://id.example/',
    SALLYPORT_OIDC_EXTRA_ISSUERS: 'https://old.example',
    SALLYPORT_OIDC_EXTRA_AUDIENCES: 'cli, other',
  }).signIn.oidc!;
  expect(config.issuers).toEqual(['https://id.example/', 'https://old.example']);
  expect(config.audiences).toEqual(['portal', 'cli', 'other']);
  expect(config.metadataUrl).toBe('https://id.example/.well-known/openid-configuration');
});

test('keys are made once, closed to others, and a new signing key goes before the old', () => {
  const config = {
    dataDir: join(folder, 'keys-test'),
    keys: { master: undefined, signing: undefined, web: undefined },
  };
  const first = loadSecrets(config);
  const second = loadSecrets(config);
  expect(second.masterKeys).toEqual(first.masterKeys);
  expect(second.webSecret).toBe(first.webSecret);
  expect(second.signingKeys[0].equals(first.signingKeys[0])).toBe(true);
  expect(first.masterKeys.map((key) => key.length)).toEqual([32]);
  expect(statSync(join(config.dataDir, 'keys')).mode & 0o777).toBe(0o700);
  expect(statSync(join(config.dataDir, 'keys', 'master.key')).mode & 0o777).toBe(0o600);
  rotateSigningKey(config.dataDir, new Date());
  const rotated = loadSecrets(config);
  expect(rotated.signingKeys).toHaveLength(2);
  expect(rotated.signingKeys[0].equals(first.signingKeys[0])).toBe(false);
  expect(rotated.signingKeys[1]!.equals(first.signingKeys[0])).toBe(true);
});

test('a data directory has one portal', () => {
  const dataDir = join(folder, 'locked');
  {
    using _lock = openDataDir(dataDir);
    expect(() => openDataDir(dataDir)).toThrow(new RegExp(`another portal \\(process ${process.pid}\\)`));
  }
  using again = openDataDir(dataDir);
  expect(again).toBeDefined();
});

test('docs/configuration.md is the table of the variables', () => {
  const path = new URL('../../docs/configuration.md', import.meta.url);
  // The formatter aligns columns.
  const plain = (text: string) => text.replace(/ +/g, ' ').replace(/-{3,}/g, '---');
  expect(plain(readFileSync(path, 'utf8'))).toContain(plain(tableOf(variables)));
});

test.each(['README.md', 'docker-compose.yml', 'docs/operations.md', 'docs/security.md', 'docs/sandbox-image.md'])(
  'settings that %s names exist',
  (file) => {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    // Of web's own process, and of tests.
    const others = ['SALLYPORT_INTERNAL_URL'];
    const named = [...new Set(text.match(/\bSALLYPORT_[A-Z_]*[A-Z](?![A-Z_*])/g) ?? [])];
    const unknown = named.filter((name) => !(name.replace(/_FILE$/, '') in variables) && !others.includes(name));
    expect(unknown.filter((name) => !new RegExp(`${name}_\\*`).test(text))).toEqual([]);
  },
);
