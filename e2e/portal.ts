/**
 * A whole portal, as a process of its own, on the real parts of a run: free ports, a data directory and a database of
 * its own. It is stopped, killed and started again as scenarios ask. Long, since it is all that a scenario may ask of one
 * portal: its life, its people, its rows.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import {
  cpSync,
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import postgres from 'postgres';
import { hashSecret, newSecret } from '../server/auth/tokens.ts';
import { testDatabase } from './database.ts';
import { kubectlAsAdmin, removeLeftovers } from './leftovers.ts';
import { freePort } from './machine/ports.ts';
import { GivenUp, until } from './machine/until.ts';
import { TerminalClient } from './terminal-client.ts';
import { compileCache, testCluster, testEngine, testSandboxImage } from './use.ts';

export type PortalOptions = {
  /** Settings beyond the scenario's own; they win. */
  env?: Record<string, string>;
  /** A kubeconfig (its text) instead of the test cluster's own; null: no cluster is registered. */
  kubeconfig?: string | null;
  /** Another engine than the run's, with the image of shells. */
  engine?: { socket: string; image: string };
  /** A superuser's URL to an empty database, where it must be the portal's own to stop. */
  databaseUrl?: string;
  /** Another replica of this one's installation: its database, keys, engine and clusters, a data directory of its own. */
  beside?: TestPortal;
  /** Sandboxes kept ready; none where a scenario counts containers. */
  warmPool?: number;
};

/** Somebody who is signed in. */
export type Visitor = {
  id: string;
  email: string;
  cookie: string;
  webSession: string;
  /** REST, as their browser does it. Throws with the problem's body where the answer is no success. */
  api<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Opens a session and attaches to its terminal. */
  open(request?: { cluster?: string; role?: string }): Promise<{ id: string; terminal: TerminalClient }>;
  /** The same, once it is whole: its prompt may be shown before its account stands, without which it outlives no kill. */
  whole(): Promise<{ id: string; terminal: TerminalClient }>;
  /** The same person signed in once more, in another browser. */
  again(): Promise<Visitor>;
  /** A further page on a session. */
  terminal(session: string, ticket?: string): TerminalClient;
};

export type RoleLimits = { idleMs: number; detachedMs: number; hardCapMs: number; maxSessions: number };
export type EndedSession = {
  state: 'ended';
  endReason: string;
  endDetail: string | null;
  exitCode: number | null;
  cleanupPending: boolean;
  openedAt: Date;
  endedAt: Date;
};

/** Its own drain takes ten seconds at most. */
const STOP_MS = 20_000;

const ROOT = join(import.meta.dirname, '..');
/** The name that the scenarios' cluster is registered under. */
export const CLUSTER = 'test';

export class TestPortal implements AsyncDisposable {
  readonly url: string;
  readonly gatewayUrl: string;
  readonly dataDir: string;
  readonly databaseUrl: string;
  /** Superuser of the portal's database: for looking, and for facts that time alone would make. */
  readonly sql: postgres.Sql;
  readonly docker: string;
  readonly #env: NodeJS.ProcessEnv;
  /** Beside another portal, whose end removes what both have left. */
  readonly #replica: boolean;
  readonly #stack: AsyncDisposableStack;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  adminToken = '';

  private constructor(parts: {
    port: number;
    gatewayPort: number;
    dataDir: string;
    databaseUrl: string;
    docker: string;
    env: NodeJS.ProcessEnv;
    replica: boolean;
    stack: AsyncDisposableStack;
  }) {
    this.url = `http://localhost:${parts.port}`;
    this.gatewayUrl = `https://localhost:${parts.gatewayPort}`;
    this.dataDir = parts.dataDir;
    this.databaseUrl = parts.databaseUrl;
    this.docker = parts.docker;
    this.#env = parts.env;
    this.#replica = parts.replica;
    this.#stack = parts.stack;
    this.sql = postgres(parts.databaseUrl, { max: 2, onnotice: () => undefined });
  }

  /** `await using portal = await TestPortal.start()` */
  static async start(options: PortalOptions = {}): Promise<TestPortal> {
    await using stack = new AsyncDisposableStack();
    const dataDir = mkdtempSync(join(tmpdir(), 'sallyport-e2e-'));
    stack.defer(() => rmSync(dataDir, { recursive: true, force: true }));
    const first = options.beside;
    const given = first?.databaseUrl ?? options.databaseUrl;
    const database = given === undefined ? stack.use(await testDatabase()) : { url: given };
    if (first) cpSync(join(first.dataDir, 'keys'), join(dataDir, 'keys'), { recursive: true });
    const engine = options.engine ?? { ...(await testEngine()), image: await testSandboxImage() };
    const [port, gatewayPort] = [await freePort(), await freePort()];
    const env: NodeJS.ProcessEnv = {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      NODE_ENV: 'production',
      ...compileCache(),
      DATABASE_URL: database.url,
      MIGRATION_DATABASE_URL: database.url,
      DOCKER_HOST: `unix://${engine.socket}`,
      SALLYPORT_DATA_DIR: dataDir,
      SALLYPORT_PORT: `${port}`,
      SALLYPORT_GATEWAY_PORT: `${gatewayPort}`,
      SALLYPORT_SANDBOX_IMAGE: engine.image,
      SALLYPORT_WARM_POOL: `${options.warmPool ?? 0}`,
      SALLYPORT_LOG_LEVEL: 'debug',
      // These scenarios look at no page: nothing answers there.
      SALLYPORT_WEB_URL: 'http://127.0.0.1:9',
      // The test cluster's, registered as an administrator does it.
      SALLYPORT_CLUSTER_PRIVATE: '127.0.0.0/8',
      ...options.env,
    };
    const facts = { port, gatewayPort, dataDir, databaseUrl: database.url, docker: engine.socket, env };
    const portal = new TestPortal({ ...facts, replica: first !== undefined, stack: stack.move() });
    try {
      await portal.up();
      if (first) portal.adminToken = first.adminToken;
      else await portal.#settle(options);
    } catch (error) {
      await portal[Symbol.asyncDispose]();
      throw error;
    }
    return portal;
  }

  async #settle(options: PortalOptions): Promise<void> {
    this.adminToken = await this.#administrator();
    if (options.kubeconfig !== null)
      await this.register(options.kubeconfig ?? readFileSync((await testCluster()).kubeconfig, 'utf8'));
  }

  /** Made as rows: each of the commands that do it starts a process, which takes as long as a portal; they have tests. */
  async #administrator(): Promise<string> {
    const { id } = await this.#person('root', { provider: 'local', issuer: 'local', groups: ['sallyport-admins'] });
    const secret = newSecret();
    const row = {
      user_id: id,
      name: 'e2e',
      token_hash: hashSecret(secret),
      scopes: ['read', 'sessions', 'admin'],
      expires_at: new Date(Date.now() + 86_400_000),
    };
    await this.sql`insert into api_tokens ${this.sql(row)}`;
    return `sp_${secret}`;
  }

  /** Registers the cluster of a kubeconfig (its text), with a namespace of this portal's own for accounts. */
  async register(kubeconfig: string): Promise<void> {
    const namespace = `sallyport-${(await this.id()).slice(0, 8)}`;
    await kubectlAsAdmin('create', 'namespace', namespace);
    this.#stack.defer(async () => void (await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false')));
    const connection = { kind: 'kubeconfig', kubeconfig };
    await this.admin('POST', '/clusters', { name: CLUSTER, namespace, connection });
  }

  /** Descriptors of sockets that the process has open now, of whatever kind. */
  sockets(): number {
    const folder = `/proc/${this.#child!.pid}/fd`;
    return readdirSync(folder).filter((descriptor) => {
      try {
        return readlinkSync(join(folder, descriptor)).startsWith('socket:');
      } catch {
        return false;
      }
    }).length;
  }

  /** Resolves once no more are open than there were, past the time for which a connection to a cluster is kept. */
  async socketsBack(before: number): Promise<void> {
    const what = () => `${this.sockets()} sockets to be ${before}`;
    await until(() => this.sockets() <= before, { within: 40_000, what });
  }

  get log(): string {
    return join(this.dataDir, 'portal.log');
  }

  /** The installation's id: what its containers and accounts are labelled with. */
  async id(): Promise<string> {
    const [row] = await this.sql<{ value: string }[]>`select value from settings where key = 'portal-id'`;
    return row!.value;
  }

  /** Starts the process and waits until it serves. */
  async up(): Promise<void> {
    mkdirSync(this.dataDir, { recursive: true });
    const log = createWriteStream(this.log, { flags: 'a' });
    const child = spawn(process.execPath, [join(ROOT, 'server/main.ts')], {
      cwd: ROOT,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#child = child;
    let ended = false;
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => {
        ended = true;
        resolve();
      });
    });
    await until(
      async () => {
        if (ended) throw new GivenUp(`the portal ended at its start: ${this.lastWords()}`);
        return (await fetch(`${this.url}/healthz`, { signal: AbortSignal.timeout(2_000) })).ok;
      },
      { within: 60_000, every: 30, what: () => `the portal (${this.lastWords()})` },
    );
  }

  /** The end of its log. */
  lastWords(lines = 12): string {
    return readFileSync(this.log, 'utf8').trim().split('\n').slice(-lines).join('\n');
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /** Neither hears nor answers until it is thawed; its database connections stay. */
  freeze(): Disposable {
    this.#child?.kill('SIGSTOP');
    return { [Symbol.dispose]: () => void this.#child?.kill('SIGCONT') };
  }

  /** SIGTERM; resolves when it has ended in order. Throws, and kills it, where it takes longer than it promises. */
  async stop(): Promise<void> {
    this.#child?.kill('SIGTERM');
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#child?.kill('SIGKILL');
    }, STOP_MS);
    await this.#ended;
    clearTimeout(timer);
    if (late) throw new Error(`the portal did not stop within ${STOP_MS / 1000} s: ${this.lastWords()}`);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.up();
  }

  /** REST with the administrator's token. */
  async admin<T>(method: string, path: string, body?: unknown): Promise<T> {
    return request<T>(`${this.url}/api/v1${path}`, method, body, { authorization: `Bearer ${this.adminToken}` });
  }

  /** A person with these groups, signed in: made as rows, since a scenario about sessions needs no provider. */
  async visitor(groups: string[] = ['sallyport-admins']): Promise<Visitor> {
    const name = `p${randomBytes(4).toString('hex')}`;
    const { id, email } = await this.#person(name, { provider: 'oidc', issuer: 'e2e', groups });
    return this.#signIn(id, email);
  }

  async #person(name: string, facts: { provider: string; issuer: string; groups: string[] }) {
    const [id, email] = [randomUUID(), `${name}@example.com`];
    await this.sql`insert into users ${this.sql({ id, subject: name, email, name, slug: name, ...facts })}`;
    return { id, email };
  }

  async #signIn(id: string, email: string): Promise<Visitor> {
    const webSession = randomUUID();
    const token = newSecret();
    const row = {
      id: webSession,
      token_hash: hashSecret(token),
      user_id: id,
      method: 'oidc',
      address: '127.0.0.1',
      user_agent: 'e2e',
      expires_at: new Date(Date.now() + 3_600_000),
    };
    await this.sql`insert into web_sessions ${this.sql(row)}`;
    const cookie = `__Host-sallyport_${(await this.id()).slice(0, 8)}=${token}`;
    return this.same({ id, email, webSession, cookie });
  }

  /** A sign-in as it is used at this portal, wherever it was made. */
  same({ id, email, webSession, cookie }: Pick<Visitor, 'id' | 'email' | 'webSession' | 'cookie'>): Visitor {
    const headers = { cookie, origin: this.url };
    const api = <T>(method: string, path: string, body?: unknown) =>
      request<T>(`${this.url}/api/v1${path}`, method, body, headers);
    // As a page does: a portal that has just come back asks to be tried again.
    const ticketOf = (session: string) =>
      until(
        () =>
          api<{ ticket: string }>('POST', `/sessions/${session}/ticket`).then(
            ({ ticket }) => ticket,
            (error: Error) => {
              if (error instanceof ApiError && error.code === 'session-coming-back') return undefined;
              throw new GivenUp(error.message, { cause: error });
            },
          ),
        { every: 200, what: 'a ticket' },
      );
    const terminal = (session: string, first?: string) => {
      let given = first;
      const ticket = async () => {
        const ready = given ?? (await ticketOf(session));
        given = undefined;
        return ready;
      };
      return new TerminalClient({ origin: this.url, session, cookie, ticket });
    };
    const open = async (asked = {}) => {
      const body = { cluster: CLUSTER, ...asked };
      const opened = await api<{ session: { id: string }; ticket: string }>('POST', '/sessions', body);
      return { id: opened.session.id, terminal: await terminal(opened.session.id, opened.ticket).connect() };
    };
    return {
      id,
      email,
      cookie,
      webSession,
      api,
      open,
      again: () => this.#signIn(id, email),
      terminal,
      async whole() {
        const opened = await open();
        await opened.terminal.shows(/\$ $/);
        const state = async () => (await api<{ state: string }>('GET', `/sessions/${opened.id}`)).state;
        await until(async () => (await state()) === 'active', { what: 'the whole session' });
        return opened;
      },
    };
  }

  /**
   * A role of this scenario alone, and the group that has it. Its times may be shorter than the API allows, so that
   * nobody waits for minutes.
   */
  async role(limits: Partial<RoleLimits> & { clusterRoles?: string[]; namespaces?: string[] } = {}): Promise<string> {
    const name = `r-${randomBytes(4).toString('hex')}`;
    const row = {
      name,
      cluster_roles: limits.clusterRoles ?? ['view'],
      namespaces: limits.namespaces ?? [],
      groups: [name],
      idle_ms: limits.idleMs ?? 900_000,
      detached_ms: limits.detachedMs ?? 300_000,
      hard_cap_ms: limits.hardCapMs ?? 28_800_000,
      max_sessions: limits.maxSessions ?? 3,
    };
    await this.sql`insert into roles ${this.sql(row)}`;
    await this.notify('role', name);
    const known = async () =>
      (await this.admin<{ items: { name: string }[] }>('GET', '/roles')).items.some((role) => role.name === name);
    await until(known, { what: `the portal's knowledge of the role ${name}` });
    return name;
  }

  /** As db/notifications.ts does after a change. */
  async notify(topic: string, id: string): Promise<void> {
    await this.sql`select pg_notify('sallyport', ${JSON.stringify({ topic, id })})`;
  }

  /** Kills and removes a session's container behind the portal's back. */
  async removeContainerOf(session: string): Promise<void> {
    const docker = new Docker({ socketPath: this.docker });
    const filters = { label: [`sallyport.session=${session}`] };
    const [found] = await docker.listContainers({ all: true, filters });
    await docker.getContainer(found!.Id).remove({ force: true });
  }

  /** Resolves when that many sandboxes wait in the pool, ready to be claimed. */
  async warmed(count: number): Promise<void> {
    const ready = async () => {
      const metrics = await (await fetch(`${this.url}/metrics`)).text();
      return Number(/^sallyport_sandbox_pool_ready (\d+)$/m.exec(metrics)?.[1]) === count;
    };
    await until(ready, { what: `${count} warm sandboxes` });
  }

  /** The session once it has ended. */
  async ended(session: string, within = 20_000): Promise<EndedSession> {
    return until(
      async () => {
        const [row] = await this.sql<EndedSession[]>`
          select state, end_reason as "endReason", end_detail as "endDetail", exit_code as "exitCode",
            cleanup_pending as "cleanupPending", opened_at as "openedAt", ended_at as "endedAt"
          from access_sessions where id = ${session} and state = 'ended'`;
        return row;
      },
      { within, what: () => `the end of session ${session}` },
    );
  }

  /** Sessions outlive a portal that stops: what is left of them goes too. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    const id = await this.id().catch(() => undefined); // a portal that never started has none
    await this.sql.end({ timeout: 1 });
    if (id !== undefined && !this.#replica) await removeLeftovers(this.docker, id);
    await this.#stack.disposeAsync();
  }
}

/** An answer that is no success. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;
  readonly code: string;
  constructor(status: number, body: string) {
    super(`${status}: ${body}`);
    this.status = status;
    this.code = (/"code":"([a-z-]+)"/.exec(body) ?? [])[1] ?? '';
  }
}

async function request<T>(url: string, method: string, body: unknown, headers: Record<string, string>): Promise<T> {
  const answer = await fetch(url, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(90_000),
  });
  const text = await answer.text();
  if (!answer.ok) throw new ApiError(answer.status, text);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}
