/** The configuration, validated and typed: the second of three steps. Whoever holds a Config need check nothing. */
import type { Rate } from '../domain/token-bucket.ts';
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { LOG_LEVELS, type LogLevel } from '../log.ts';
import { ConfigError, type Env } from './env.ts';
import { cidrs, decimal, integer, list, needed, onOff, onOffOrCidrs, oneOf, origin, port, text, url } from './parse.ts';

export type OidcConfig = {
  name: string;
  issuer: string;
  clientId: string;
  clientSecret: string;
  scopes: string;
  /** `issuer` first. */
  issuers: string[];
  /** `clientId` first. */
  audiences: string[];
  /** Where the portal reads the metadata; web is given the public one. */
  metadataUrl: string;
  nameClaim: string;
  groupsClaim: string;
};

export type GithubConfig = {
  clientId: string;
  clientSecret: string;
  /** `org` or `org/team` (lower case) → group. */
  groups: ReadonlyMap<string, string>;
  url: string;
  apiUrl: string;
};

export type Config = {
  /** Origin that people use; null: `http(s)://localhost:<the port that was bound>`. */
  publicUrl: string | null;
  listen: { host: string; port: number };
  gateway: { host: string; port: number; url: string | null };
  kubeconfig: { longestMs: number; endWithSignOut: boolean };
  /** PEM texts. */
  tls: { cert: string; key: string } | null;
  trustedProxies: string[];
  monitoringFrom: string[];
  dataDir: string;
  runtimeDir: string;
  /** Recordings and the audit journal wait for the disk. */
  fsync: boolean;
  database: { url: string; migrationUrl: string } | null;
  keys: { master: string | undefined; signing: string | undefined; web: string | undefined };
  signIn: {
    local: boolean;
    lifetimeMs: number;
    adminGroups: string[];
    oidc: OidcConfig | null;
    github: GithubConfig | null;
  };
  sandbox: {
    dockerHost: string;
    image: string;
    mode: 'auto' | 'socket' | 'exec';
    memoryBytes: number;
    homeBytes: number;
    pids: number;
    cpus: number;
    runtime: string | null;
    warmPool: number;
  };
  /** Unparsed: the egress proxy knows the grammar of hosts. */
  egress: { allow: string[]; privateRanges: string[] };
  /** Loopback and private addresses that clusters may be registered with through the portal. */
  clusters: { allowPrivate: boolean | readonly string[] };
  /** Those at which issuers of id tokens may be. */
  issuers: { allowPrivate: boolean | readonly string[] };
  /** `apps.example`, or with a port; null: only on localhost there is one. */
  proxyDomain: string | null;
  /** Whose pages may call the gateway's address. */
  corsOrigins: string[];
  /** Folder of the web application that links lead to. */
  linkApp: string | null;
  /** Where errors' pages are, up to the code; null: in the portal. */
  errorDocsUrl: string | null;
  /** How often a credential, or a person, may call, and how many streams a session may hold open. */
  /** Paths that are masked in bodies on record. */
  auditMask: string[];
  /** Of one exec or attach whose role does not require a recording. */
  streamRecordingBytes: number;
  limits: { kubernetes: Rate; rest: Rate; streams: number };
  /** What seeded roles, and roles made without saying otherwise, get. */
  sessionDefaults: { idleMs: number; detachedMs: number; hardCapMs: number; maxSessions: number };
  developerNamespaces: string[];
  web: { url: string | null; internal: { host: string; port: number } };
  logLevel: LogLevel;
};

const MINUTE = 60_000;
const MIB = 1024 * 1024;

/** Throws ConfigError. */
export function parseConfig(env: Env): Config {
  const tls = parseTls(env);
  const host = text(env, 'SALLYPORT_HOST', '127.0.0.1');
  const dataDir = resolve(text(env, 'SALLYPORT_DATA_DIR') ?? defaultDataDir());
  return {
    publicUrl: parsePublicUrl(env),
    listen: { host, port: port(env, 'SALLYPORT_PORT', tls ? 8443 : 8080) },
    gateway: {
      host: text(env, 'SALLYPORT_GATEWAY_HOST', host),
      port: port(env, 'SALLYPORT_GATEWAY_PORT', 6443),
      url: origin(env, 'SALLYPORT_GATEWAY_URL') ?? null,
    },
    kubeconfig: {
      longestMs: integer(env, 'SALLYPORT_KUBECONFIG_HOURS', 8, 1, 24 * 7) * 60 * MINUTE,
      endWithSignOut: onOff(env, 'SALLYPORT_KUBECONFIG_ENDS_WITH_SIGN_OUT', false),
    },
    tls,
    trustedProxies: cidrs(env, 'SALLYPORT_TRUSTED_PROXIES'),
    monitoringFrom: cidrs(env, 'SALLYPORT_MONITORING_FROM', ['127.0.0.0/8', '::1/128']),
    dataDir,
    runtimeDir: resolve(text(env, 'SALLYPORT_RUNTIME_DIR') ?? join(dataDir, 'run')),
    fsync: onOff(env, 'SALLYPORT_FSYNC', false),
    database: parseDatabase(env),
    keys: { master: env.SALLYPORT_MASTER_KEY, signing: env.SALLYPORT_SIGNING_KEY, web: env.SALLYPORT_WEB_SECRET },
    signIn: {
      local: onOff(env, 'SALLYPORT_LOCAL_SIGN_IN', true),
      lifetimeMs: integer(env, 'SALLYPORT_SIGN_IN_HOURS', 12, 1, 24 * 30) * 60 * MINUTE,
      adminGroups: list(env, 'SALLYPORT_ADMIN_GROUPS', ['sallyport-admins']),
      oidc: parseOidc(env),
      github: parseGithub(env),
    },
    sandbox: parseSandbox(env),
    egress: { allow: list(env, 'SALLYPORT_EGRESS_ALLOW'), privateRanges: cidrs(env, 'SALLYPORT_EGRESS_PRIVATE') },
    clusters: { allowPrivate: onOffOrCidrs(env, 'SALLYPORT_CLUSTER_PRIVATE', false) },
    issuers: { allowPrivate: onOffOrCidrs(env, 'SALLYPORT_ISSUER_PRIVATE', false) },
    proxyDomain: parseProxyDomain(env),
    corsOrigins: parseOrigins(env),
    linkApp: parseLinkApp(env),
    errorDocsUrl: docsUrl(env),
    auditMask: list(env, 'SALLYPORT_AUDIT_MASK'),
    streamRecordingBytes: integer(env, 'SALLYPORT_STREAM_RECORDING_MB', 64, 1, 1_000_000) * 1024 * 1024,
    limits: {
      kubernetes: {
        perSecond: integer(env, 'SALLYPORT_API_RATE', 100, 1, 100_000),
        burst: integer(env, 'SALLYPORT_API_BURST', 200, 1, 100_000),
        queue: integer(env, 'SALLYPORT_API_QUEUE', 50, 0, 10_000),
      },
      rest: {
        perSecond: integer(env, 'SALLYPORT_REST_RATE', 50, 1, 100_000),
        burst: integer(env, 'SALLYPORT_REST_BURST', 200, 1, 100_000),
        queue: 0,
      },
      streams: integer(env, 'SALLYPORT_SESSION_STREAMS', 100, 1, 256),
    },
    sessionDefaults: {
      idleMs: integer(env, 'SALLYPORT_SESSION_IDLE_MINUTES', 15, 1, 24 * 60) * MINUTE,
      detachedMs: integer(env, 'SALLYPORT_SESSION_DETACHED_MINUTES', 5, 0, 24 * 60) * MINUTE,
      hardCapMs: integer(env, 'SALLYPORT_SESSION_HARD_CAP_MINUTES', 480, 1, 7 * 24 * 60) * MINUTE,
      maxSessions: integer(env, 'SALLYPORT_SESSION_MAX', 3, 1, 50),
    },
    developerNamespaces: list(env, 'SALLYPORT_DEVELOPER_NAMESPACES', ['default']),
    web: {
      url: origin(env, 'SALLYPORT_WEB_URL') ?? null,
      internal: {
        host: text(env, 'SALLYPORT_INTERNAL_HOST', '127.0.0.1'),
        port: port(env, 'SALLYPORT_INTERNAL_PORT', 0),
      },
    },
    logLevel: oneOf(env, 'SALLYPORT_LOG_LEVEL', LOG_LEVELS, 'info'),
  };
}

/** Browsers keep `__Host-` cookies over https, and over plain http on their own machine only. */
function parsePublicUrl(env: Env): string | null {
  const value = origin(env, 'SALLYPORT_PUBLIC_URL');
  if (value === undefined) return null;
  const { protocol, hostname } = new URL(value);
  const local =
    hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '127.0.0.1' || hostname === '[::1]';
  if (protocol === 'http:' && !local)
    throw new ConfigError(
      'SALLYPORT_PUBLIC_URL',
      `"${value}" must be https: over plain http, browsers keep no sign-in except on localhost`,
    );
  return value;
}

function defaultDataDir(): string {
  if (process.getuid?.() === 0) return '/var/lib/sallyport';
  return join(process.env['XDG_DATA_HOME'] || join(homedir(), '.local/share'), 'sallyport');
}

function parseTls(env: Env): Config['tls'] {
  const certFile = env.SALLYPORT_TLS_CERT;
  if (certFile === undefined) {
    if (env.SALLYPORT_TLS_KEY !== undefined)
      throw new ConfigError('SALLYPORT_TLS_CERT', 'must be set because SALLYPORT_TLS_KEY is');
    return null;
  }
  const cert = readPem('SALLYPORT_TLS_CERT', certFile);
  const key = readPem('SALLYPORT_TLS_KEY', needed(env, 'SALLYPORT_TLS_KEY', 'SALLYPORT_TLS_CERT is'));
  try {
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new ConfigError('SALLYPORT_TLS_KEY', 'this key does not belong to the certificate of SALLYPORT_TLS_CERT');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError('SALLYPORT_TLS_CERT', 'certificate and key must be PEM files');
  }
  return { cert, key };
}

function readPem(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(name, `${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function parseDatabase(env: Env): Config['database'] {
  const database = env.DATABASE_URL;
  if (database === undefined) {
    if (env.MIGRATION_DATABASE_URL !== undefined)
      throw new ConfigError('DATABASE_URL', 'must be set because MIGRATION_DATABASE_URL is');
    return null;
  }
  for (const name of ['DATABASE_URL', 'MIGRATION_DATABASE_URL'] as const) {
    const value = env[name];
    const parsed = value === undefined ? undefined : URL.parse(value);
    // The value itself is not shown: it holds a password.
    if (value !== undefined && !(parsed && /^postgres(ql)?:$/.test(parsed.protocol)))
      throw new ConfigError(name, 'is no postgres:// URL');
    if (parsed && !parsed.username) throw new ConfigError(name, 'names no user');
  }
  return { url: database, migrationUrl: env.MIGRATION_DATABASE_URL ?? database };
}

function parseOidc(env: Env): OidcConfig | null {
  const issuer = url(env, 'SALLYPORT_OIDC_ISSUER');
  if (issuer === undefined) return null;
  const because = 'SALLYPORT_OIDC_ISSUER is';
  // Compared as strings by the standard (OpenID Connect Core 3.1.3.7), so a slash at the end counts.
  const exact = env.SALLYPORT_OIDC_ISSUER!;
  const clientId = needed(env, 'SALLYPORT_OIDC_CLIENT_ID', because);
  const scopes = text(env, 'SALLYPORT_OIDC_SCOPES', 'openid email profile');
  if (!scopes.split(/\s+/).includes('openid'))
    throw new ConfigError('SALLYPORT_OIDC_SCOPES', 'must name the scope openid');
  return {
    name: text(env, 'SALLYPORT_OIDC_NAME', 'single sign-on'),
    issuer: exact,
    clientId,
    clientSecret: needed(env, 'SALLYPORT_OIDC_CLIENT_SECRET', because),
    scopes,
    issuers: [exact, ...list(env, 'SALLYPORT_OIDC_EXTRA_ISSUERS')],
    audiences: [clientId, ...list(env, 'SALLYPORT_OIDC_EXTRA_AUDIENCES')],
    metadataUrl: url(env, 'SALLYPORT_OIDC_METADATA_URL', `${issuer}/.well-known/openid-configuration`),
    nameClaim: text(env, 'SALLYPORT_OIDC_NAME_CLAIM', 'name'),
    groupsClaim: text(env, 'SALLYPORT_OIDC_GROUPS_CLAIM', 'groups'),
  };
}

function parseGithub(env: Env): GithubConfig | null {
  const clientId = env.SALLYPORT_GITHUB_CLIENT_ID;
  if (clientId === undefined) return null;
  const because = 'SALLYPORT_GITHUB_CLIENT_ID is';
  const groups = new Map<string, string>();
  needed(env, 'SALLYPORT_GITHUB_GROUPS', because);
  for (const item of list(env, 'SALLYPORT_GITHUB_GROUPS')) {
    const match = /^([A-Za-z0-9-]+(?:\/[A-Za-z0-9_-]+)?)=(.{1,253})$/.exec(item);
    if (!match)
      throw new ConfigError('SALLYPORT_GITHUB_GROUPS', `"${item}" is no organisation=group or organisation/team=group`);
    groups.set(match[1]!.toLowerCase(), match[2]!);
  }
  return {
    clientId,
    clientSecret: needed(env, 'SALLYPORT_GITHUB_CLIENT_SECRET', because),
    groups,
    url: url(env, 'SALLYPORT_GITHUB_URL', 'https://github.com'),
    apiUrl: url(env, 'SALLYPORT_GITHUB_API_URL', 'https://api.github.com'),
  };
}

function parseSandbox(env: Env): Config['sandbox'] {
  const dockerHost = text(env, 'DOCKER_HOST', 'unix:///var/run/docker.sock');
  if (!/^(unix:\/\/\/|tcp:\/\/|http:\/\/)/.test(dockerHost))
    throw new ConfigError('DOCKER_HOST', `"${dockerHost}" is no unix:///path and no tcp://host:port`);
  const memoryMb = integer(env, 'SALLYPORT_SANDBOX_MEMORY_MB', 512, 128, 262_144);
  const homeMb = integer(env, 'SALLYPORT_SANDBOX_HOME_MB', Math.floor(memoryMb / 2), 16, 262_144);
  if (homeMb >= memoryMb)
    throw new ConfigError(
      'SALLYPORT_SANDBOX_HOME_MB',
      `${homeMb} must be less than the memory, ${memoryMb} (the home is in memory)`,
    );
  return {
    dockerHost,
    image: text(env, 'SALLYPORT_SANDBOX_IMAGE', 'sallyport-sandbox:latest'),
    mode: oneOf(env, 'SALLYPORT_SANDBOX_MODE', ['auto', 'socket', 'exec'], 'auto'),
    memoryBytes: memoryMb * MIB,
    homeBytes: homeMb * MIB,
    pids: integer(env, 'SALLYPORT_SANDBOX_PIDS', 256, 32, 32_768),
    cpus: decimal(env, 'SALLYPORT_SANDBOX_CPUS', 1, 0.1, 256),
    runtime: env.SALLYPORT_SANDBOX_RUNTIME ?? null,
    warmPool: integer(env, 'SALLYPORT_WARM_POOL', 2, 0, 50),
  };
}

/** Throws ConfigError. Ends in a slash, whether or not it was given with one. */
const DOMAIN =
  /^(?=.{1,190}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*(:[1-9]\d{0,4})?$/;

function parseProxyDomain(env: Env): string | null {
  const domain = text(env, 'SALLYPORT_PROXY_DOMAIN')?.toLowerCase();
  if (domain === undefined) return null;
  if (!DOMAIN.test(domain))
    throw new ConfigError(
      'SALLYPORT_PROXY_DOMAIN',
      `"${domain}" is no domain: write apps.example.com, without https:// and without *, with a port where it has one`,
    );
  return domain;
}

function parseOrigins(env: Env): string[] {
  return list(env, 'SALLYPORT_CORS_ORIGINS').map((given) => {
    const url = URL.parse(given);
    if (!url || url.origin !== given || url.origin === 'null')
      throw new ConfigError('SALLYPORT_CORS_ORIGINS', `"${given}" is no origin: write https://board.example, and no *`);
    return given;
  });
}

function parseLinkApp(env: Env): string | null {
  const folder = text(env, 'SALLYPORT_LINK_APP_DIR');
  if (folder === undefined) return null;
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new ConfigError('SALLYPORT_LINK_APP_DIR', `"${folder}" is no folder`);
  return resolve(folder);
}

function docsUrl(env: Env): string | null {
  const given = text(env, 'SALLYPORT_ERROR_DOCS_URL');
  if (given === undefined) return null;
  const url = URL.parse(given);
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash)
    throw new ConfigError('SALLYPORT_ERROR_DOCS_URL', 'must be an http or https address, to which a code is added');
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}
