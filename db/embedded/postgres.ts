/**
 * The Postgres that comes with Sallyport: a process of its own, on loopback, that outlives the portal.
 *
 * `pg_ctl` starts and stops it; whether it runs is read from `postmaster.pid` and checked against the process itself,
 * since after a kill or a reboot that file may name a stranger. Only an answer tells it from one that is dying.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { postgresAccount } from './account.ts';
import { postgresAnswers } from './answers.ts';
import { postgresBinaries } from './binaries.ts';

const execute = promisify(execFile);

/** A process that neither answers nor ends for so long is stuck, and starting another beside it would be refused. */
const ANSWER_MS = 15_000;

export type EmbeddedPostgres = {
  /** The superuser's, to the database `postgres`: for making roles and databases only. */
  adminUrl: string;
};

export type EmbeddedOptions = {
  /** False only in tests: a power loss may then lose data. */
  fsync?: boolean;
  /** Its port where it is not running yet; one that is free by default. */
  port?: number;
};

/** The running postmaster's pid and port, from its own file; undefined where it does not run. */
function running(data: string): { pid: number; port: number } | undefined {
  try {
    const [pid, , , port] = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    const command = readFileSync(`/proc/${Number(pid)}/cmdline`, 'utf8').split('\0');
    if (!command.includes(data) || !command[0]?.endsWith('postgres')) return undefined;
    return { pid: Number(pid), port: Number(port) };
  } catch {
    return undefined;
  }
}

/** As {@link running}, once it answers. A killed one has a pid and takes connections until the kernel is done with it. */
async function serving(data: string): Promise<{ pid: number; port: number } | undefined> {
  for (const end = Date.now() + ANSWER_MS; ; await delay(50)) {
    const server = running(data);
    if (!server || (await postgresAnswers(server.port))) return server;
    if (Date.now() > end)
      throw new Error(
        `The embedded Postgres (process ${server.pid}) runs and does not answer; its log is ${join(data, 'server.log')}`,
      );
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function initialise(folder: string, data: string, password: string, fsync: boolean): Promise<void> {
  const account = postgresAccount();
  const passwordFile = join(folder, 'initial-password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account) {
    await chown(passwordFile, account.uid, account.gid);
    await mkdir(data, { mode: 0o700 });
    await chown(data, account.uid, account.gid);
  }
  try {
    await execute(
      join(await postgresBinaries(), 'bin', 'initdb'),
      [
        `--pgdata=${data}`,
        '--username=postgres',
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // Sorting that no library update can change.
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--locale=C',
        ...(fsync ? [] : ['--no-sync']),
      ],
      { ...account, cwd: '/', env: { PATH: process.env['PATH'], NODE_ENV: 'production' } },
    );
  } finally {
    await rm(passwordFile, { force: true });
  }
}

function settings(port: number, fsync: boolean): string {
  return [
    `port = ${port}`,
    "listen_addresses = '127.0.0.1'",
    "unix_socket_directories = ''",
    'max_connections = 100',
    // One team's portal: small, and nothing else on the machine pays for it.
    'shared_buffers = 64MB',
    'max_wal_size = 256MB',
    "log_line_prefix = '%m [%p] '",
    ...(fsync ? [] : ['fsync = off', 'full_page_writes = off']),
    '',
  ].join('\n');
}

/**
 * Starts the Postgres of a folder, making it first where it is new; finds it where it runs already. Every parent of the
 * folder must be traversable for the user that runs it.
 */
export async function startPostgres(folder: string, options: EmbeddedOptions = {}): Promise<EmbeddedPostgres> {
  const fsync = options.fsync ?? true;
  const data = join(folder, 'data');
  const account = postgresAccount();
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const passwordFile = join(folder, 'password');
  if (!existsSync(passwordFile)) await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
  const password = await readFile(passwordFile, 'utf8');
  if (!existsSync(join(data, 'PG_VERSION'))) {
    await rm(data, { recursive: true, force: true });
    await initialise(folder, data, password, fsync);
  }
  let server = await serving(data);
  if (!server) {
    const port = options.port ?? (await freePort());
    await writeFile(join(data, 'postgresql.auto.conf'), settings(port, fsync), { mode: 0o600 });
    if (account) await chown(join(data, 'postgresql.auto.conf'), account.uid, account.gid);
    // A stranger, or a zombie that nobody reaps, may carry its pid by now and would keep Postgres from starting.
    await rm(join(data, 'postmaster.pid'), { force: true });
    await startServer(data);
    server = await serving(data);
    if (!server) throw new Error('Postgres ended right after its start');
  }
  return { adminUrl: `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${server.port}/postgres` };
}

/** Killed, it leaves workers that hold its memory for a moment: Postgres itself refuses to start beside them. */
async function startServer(data: string): Promise<void> {
  const log = join(data, 'server.log');
  for (const end = Date.now() + 15_000; ; await delay(200)) {
    try {
      await rm(log, { force: true });
      return await pgCtl(data, ['start', `--log=${log}`, '--wait', '--timeout=60']);
    } catch (cause) {
      const text = await readFile(log, 'utf8').catch(() => '');
      if (text.includes('shared memory block') && Date.now() < end) continue;
      throw new Error(`Postgres did not start:\n${text.trim().split('\n').slice(-8).join('\n')}`, { cause });
    }
  }
}

async function pgCtl(data: string, args: string[]): Promise<void> {
  const [action = '', ...rest] = args;
  const program = join(await postgresBinaries(), 'bin', 'pg_ctl');
  await execute(program, [action, `--pgdata=${data}`, '--silent', ...rest], {
    ...postgresAccount(),
    cwd: '/',
    env: { PATH: process.env['PATH'], NODE_ENV: 'production' },
  });
}

/** Ends it, connections and all; with `remove`, its data too. One that does not run is no error. */
export async function stopPostgres(folder: string, { remove }: { remove: boolean }): Promise<void> {
  const data = join(folder, 'data');
  // It may end by itself between the look and the signal.
  if (running(data))
    await pgCtl(data, ['stop', '--mode=fast', '--wait', '--timeout=30']).catch((error: unknown) => {
      if (running(data)) throw error;
    });
  if (remove) await rm(folder, { recursive: true, force: true });
}
