/**
 * A portal process with a database of its own and neither engine nor cluster: for what requests, sign-ins and
 * processes must hold by themselves. Its web is whatever the test says, a hostile one for example.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import postgres from 'postgres';
import { openDatabase } from '../db/client.ts';
import { Notifications } from '../db/notifications.ts';
import { Roles } from '../server/access/roles.ts';
import { directAudit } from '../server/audit/direct.ts';
import { createUser } from '../server/auth/accounts.ts';
import { ApiTokens } from '../server/auth/api-tokens.ts';
import { LiveProofs } from '../server/auth/live-proofs.ts';
import { WebSessions } from '../server/auth/web-sessions.ts';
import type { Scope } from '../server/domain/person.ts';
import { testDatabase } from './database.ts';
import { freePort } from './machine/ports.ts';
import { GivenUp, until } from './machine/until.ts';
import { compileCache } from './use.ts';

const ROOT = join(import.meta.dirname, '..');

export type BarePortal = AsyncDisposable & {
  origin: string;
  dataDir: string;
  /** As the portal's own role, and as the role that owns the tables. */
  urls: { url: string; migrationUrl: string };
  sql: postgres.Sql;
  log(): string;
  pid: number;
  /** What another replica on the same database would have. */
  replica: { webSessions: WebSessions; apiTokens: ApiTokens; proofs: LiveProofs };
  /** Makes a local person in these groups. */
  person(name: string, groups: string[]): Promise<{ id: string; email: string }>;
  /** Signs them in without the pages: the Cookie header, and the web session's id. */
  signIn(userId: string): Promise<{ cookie: string; webSession: string }>;
  token(userId: string, scopes: Scope[]): Promise<{ id: string; token: string }>;
  stop(signal: NodeJS.Signals): Promise<void>;
  /** As the role that owns the tables. */
  owner: postgres.Sql;
  /** Starts one on the same database and data directory, once this one has stopped. */
  again(): Promise<BarePortal>;
};

type Place = { urls: BarePortal['urls']; dataDir: string };

/** `env` wins over what is set here. */
export async function startBarePortal(env: Record<string, string> = {}, place?: Place): Promise<BarePortal> {
  await using opening = new AsyncDisposableStack();
  const { urls, dataDir } = place ?? (await newPlace(opening));
  const port = await freePort();
  const origin = `${env['SALLYPORT_TLS_CERT'] ? 'https' : 'http'}://localhost:${port}`;
  const lines: string[] = [];
  const child = spawnPortal(
    {
      SALLYPORT_PORT: String(port),
      SALLYPORT_GATEWAY_PORT: '0',
      SALLYPORT_DATA_DIR: dataDir,
      SALLYPORT_LOG_LEVEL: 'debug',
      SALLYPORT_WEB_URL: 'http://127.0.0.1:9',
      DATABASE_URL: urls.url,
      MIGRATION_DATABASE_URL: urls.migrationUrl,
      DOCKER_HOST: `unix://${dataDir}/no-engine.sock`,
      ...env,
    },
    lines,
  );
  const ended = once(child, 'exit');
  opening.defer(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  });
  await until(
    async () => {
      if (child.exitCode !== null) throw new GivenUp(`the portal ended at its start:\n${lines.join('')}`);
      return (await healthOf(origin)) === 200;
    },
    { within: 30_000, what: () => `the portal's answer:\n${lines.join('')}` },
  );
  const database = opening.use(openDatabase(urls.url, { max: 2 }));
  const notifications = opening.use(new Notifications(urls.url));
  await notifications.start();
  const now = () => new Date();
  const audit = directAudit(database.db);
  const roles = new Roles({ db: database.db, notifications, audit, now });
  const webSessions = opening.use(
    new WebSessions({ db: database.db, notifications, roles, lifetimeMs: 3_600_000, now }),
  );
  const apiTokens = opening.use(new ApiTokens({ db: database.db, notifications, roles, audit, now }));
  const proofs = opening.use(new LiveProofs({ db: database.db, notifications, now }));
  const sql = postgres(urls.url, { max: 1, onnotice: () => undefined });
  opening.defer(() => sql.end());
  const owner = postgres(urls.migrationUrl, { max: 1, onnotice: () => undefined });
  opening.defer(() => owner.end());
  const [setting] = await sql<{ value: string }[]>`select value from settings where key = 'portal-id'`;
  const cookieName = `__Host-sallyport_${setting!.value.slice(0, 8)}`;
  const opened = opening.move();
  return {
    origin,
    dataDir,
    urls,
    sql,
    log: () => lines.join(''),
    pid: child.pid!,
    replica: { webSessions, apiTokens, proofs },
    async person(name, groups) {
      const email = `${name}@example.com`;
      const user = await createUser(database.db, {
        provider: 'local',
        issuer: 'local',
        subject: email,
        email,
        name,
        groups,
      });
      return { id: user!.id, email };
    },
    async signIn(userId) {
      const who = { userId, method: 'local', address: '127.0.0.1', userAgent: 'test' };
      const { token, session } = await webSessions.start(who);
      return { cookie: `${cookieName}=${token}`, webSession: session.id };
    },
    async token(userId, scopes) {
      const by = { actorId: null, actor: 'test' };
      const { row, token } = await apiTokens.create(userId, { name: 'test', scopes, days: 1 }, by);
      return { id: row.id, token };
    },
    async stop(signal) {
      child.kill(signal);
      await ended;
    },
    owner,
    again: () => startBarePortal(env, { urls, dataDir }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Whether it answers is all that is asked: of a certificate no test makes more here. */
function healthOf(origin: string): Promise<number> {
  const send = origin.startsWith('https:') ? httpsGet : httpGet;
  return new Promise((resolve, reject) => {
    send(`${origin}/healthz`, { rejectUnauthorized: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode!);
    }).on('error', reject);
  });
}

async function newPlace(stack: AsyncDisposableStack): Promise<Place> {
  const urls = await rolesOf(stack);
  const dataDir = mkdtempSync(join(tmpdir(), 'sallyport-bare-'));
  stack.defer(() => rmSync(dataDir, { recursive: true, force: true }));
  return { urls, dataDir };
}

/**
 * Runs `server/main.ts` with nothing but this environment; what it says is appended to `lines`. With a `channel` it ends
 * with us, as with `npm run up`.
 */
export function spawnPortal(
  env: Record<string, string>,
  lines: string[],
  { channel = false }: { channel?: boolean } = {},
): ChildProcess {
  const child = spawn(process.execPath, [join(ROOT, 'server', 'main.ts')], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', ...compileCache(), ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(channel ? (['ipc'] as const) : [])],
  });
  for (const stream of [child.stdout, child.stderr])
    stream!.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  return child;
}

async function rolesOf(stack: AsyncDisposableStack): Promise<BarePortal['urls']> {
  const { url } = stack.use(await testDatabase());
  const suffix = randomBytes(6).toString('hex');
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  const as = async (role: string) => {
    await sql.unsafe(`create role ${role} login password '${suffix}'`);
    const own = new URL(url);
    own.username = role;
    own.password = suffix;
    return own.href;
  };
  const migrationUrl = await as(`owner_${suffix}`);
  const portalUrl = await as(`portal_${suffix}`);
  await sql.unsafe(`alter schema public owner to owner_${suffix}`);
  await sql.unsafe(`grant create on database ${new URL(url).pathname.slice(1)} to owner_${suffix}`);
  stack.defer(async () => {
    await sql.unsafe(`drop owned by owner_${suffix}, portal_${suffix} cascade`);
    await sql.unsafe(`drop role owner_${suffix}, portal_${suffix}`);
    await sql.end();
  });
  return { url: portalUrl, migrationUrl };
}
