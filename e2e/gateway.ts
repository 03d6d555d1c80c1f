/** The Kubernetes path as a portal has it, built of its real parts around the test cluster, without the rest of a portal. */
import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { parse } from 'yaml';
import { AuditLog } from '../server/audit/audit-log.ts';
import { type AuditRow, rowOf } from '../server/audit/entries.harness.ts';
import { ApiServer } from '../server/gateway/api-server.ts';
import { type ApiPolicy, OPEN_POLICY } from '../server/domain/api-policy.ts';
import { Authority, createAuthority } from '../server/gateway/authority.ts';
import { EgressProxy, type EgressRules } from '../server/gateway/egress.ts';
import { LiveCalls } from '../server/gateway/live-calls.ts';
import { GatewayMetrics } from '../server/gateway/metrics.ts';
import { SandboxGateway } from '../server/gateway/sandbox-gateway.ts';
import type { GatewaySession } from '../server/gateway/session-directory.ts';
import { KubernetesTokens } from '../server/gateway/tokens.ts';
import { RateLimiter } from '../server/rate-limiter.ts';
import { Recordings } from '../server/recording/recordings.ts';
import { ServedResources } from '../server/kube/served-resources.ts';
import { SessionAccounts } from '../server/kube/accounts.ts';
import { KubeClient } from '../server/kube/client.ts';
import { openConnection, type ClusterConnection } from '../server/kube/connection.ts';
import { testCluster } from './use.ts';

type Kubeconfig = {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
};

/** A connection to the test cluster as its administrator. */
export async function adminConnection(namespace: string): Promise<ClusterConnection> {
  const { kubeconfig } = await testCluster();
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
  const { cluster } = clusters[0]!;
  const { user } = users[0]!;
  const pem = (base64: string) => Buffer.from(base64, 'base64').toString();
  return openConnection(
    {
      id: randomUUID(),
      name: 'test',
      namespace,
      actAs: 'account',
      address: { server: cluster.server, ca: pem(cluster['certificate-authority-data']), tlsServerName: null },
      credential: {
        kind: 'certificate',
        certificate: pem(user['client-certificate-data']),
        key: pem(user['client-key-data']),
      },
    },
    { allowPrivate: true },
  );
}

export type TestSession = GatewaySession & {
  /** A kubeconfig as the sandbox has it, at a port of this machine that leads to the session's own stream. */
  kubeconfig: string;
  port: number;
  token: string;
};

export class TestGateway implements AsyncDisposable {
  readonly namespace: string;
  readonly connection: ClusterConnection;
  readonly admin: KubeClient;
  readonly accounts: SessionAccounts;
  readonly tokens: KubernetesTokens;
  /** What it signs tokens with. */
  readonly signingKey: KeyObject;
  readonly audit: AuditLog;
  /** What the audit log wrote, in order. */
  readonly rows: AuditRow[];
  readonly gateway: SandboxGateway;
  readonly calls: LiveCalls;
  /** While true, the audit log's database does not answer. */
  database: { away: boolean };
  readonly faults: unknown[] = [];
  /** Of every session's role. */
  policy: ApiPolicy = OPEN_POLICY;
  /** Whether people are impersonated by the cluster's administrator, and with which groups. */
  impersonates = false;
  groups: string[] = [];
  readonly #stack: AsyncDisposableStack;
  readonly #folder: string;
  readonly #sessions = new Map<string, { session: GatewaySession; upstream: Promise<string>; alive: boolean }>();

  private constructor(parts: Parts) {
    this.namespace = parts.namespace;
    this.connection = parts.connection;
    this.admin = parts.admin;
    this.audit = parts.audit;
    this.rows = parts.rows;
    this.database = parts.database;
    this.#folder = parts.folder;
    this.#stack = parts.stack;
    const now = () => new Date();
    this.accounts = new SessionAccounts({
      portalId: parts.portalId,
      cluster: async () => ({ client: this.admin, namespace: this.namespace, actAs: 'account' }),
      now,
    });
    this.signingKey = parts.signingKey;
    this.tokens = new KubernetesTokens({ keys: [parts.signingKey], issuer: parts.portalId, now });
    this.calls = this.#stack.use(new LiveCalls(() => Date.now()));
    const metrics = new GatewayMetrics(new Registry(), () => ({
      calls: this.calls.count,
      streams: this.calls.streams,
      waiting: 0,
      queued: this.calls.queued,
      connections: 0,
    }));
    const sessions = {
      alive: (id: string) => {
        const found = this.#sessions.get(id);
        return found?.alive ? found.session : null;
      },
      tokenAtHand: () => null,
      upstreamToken: (id: string) => this.#sessions.get(id)!.upstream,
    };
    const recordings = this.#stack.use(new Recordings({ dataDir: this.#folder, log: { warn: () => {} } }));
    const served = new ServedResources(() => Promise.resolve(this.admin));
    const api = this.#stack.use(
      new ApiServer({
        sessions,
        tokens: this.tokens,
        clusters: {
          upstream: async () => ({
            cluster: 'test',
            portalNamespace: this.namespace,
            endpoint: parts.upstream ?? this.connection.endpoint,
            asPortal: this.impersonates ? this.connection.portal : null,
          }),
          served: (id) => served.of(id, Date.now()),
        },
        policy: async () => this.policy,
        groups: async () => this.groups,
        maskedPaths: ['spec.masked'],
        recordings: { record: (facts) => recordings.record(facts), most: 1024 * 1024 },
        audit: this.audit,
        calls: this.calls,
        errorDocs: 'http://localhost/docs/errors/',
        rate: new RateLimiter({ perSecond: 100, burst: 200, queue: 50 }, () => performance.now()),
        metrics: () => metrics,
        now,
        onFault: (error) => this.faults.push(error),
      }),
    );
    const egress = new EgressProxy({ sessions, audit: this.audit, rules: parts.egress, metrics: () => metrics, now });
    this.gateway = this.#stack.use(
      new SandboxGateway({ authority: parts.authority, api, egress, calls: this.calls, now }),
    );
  }

  static async start(options: TestGatewayOptions = {}): Promise<TestGateway> {
    const stack = new AsyncDisposableStack();
    const portalId = randomUUID();
    const namespace = `sallyport-${portalId.slice(0, 8)}`;
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-gateway-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const connection = stack.use(await adminConnection(namespace));
    const admin = new KubeClient(connection);
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
    await admin.json({ method: 'POST', path: '/api/v1/namespaces', body });
    stack.defer(async () => void (await admin.json({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` })));
    const rows: AuditRow[] = [];
    const database = { away: false };
    const now = () => new Date();
    const audit = stack.use(
      await AuditLog.open({
        dir: join(folder, 'journal'),
        insert: async (batch) => {
          if (database.away) throw new Error('the database is away');
          rows.push(...batch.map(rowOf));
        },
        now,
        onFault: () => {},
        ...(options.journalBound ? { bound: options.journalBound } : {}),
      }),
    );
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const authority = await Authority.open(await createAuthority(new Date()), now);
    return new TestGateway({
      stack,
      portalId,
      namespace,
      folder,
      connection,
      admin,
      audit,
      rows,
      database,
      authority,
      signingKey: privateKey,
      upstream: options.upstream,
      egress: options.egress ?? { allow: [], privateRanges: [], apiServers: async () => [] },
    });
  }

  /** An access session with an account of its own, as sessions/ makes one; `clusterRoles` empty: an account without rights. */
  async session(options: { clusterRoles?: string[]; namespaces?: string[] } = {}): Promise<TestSession> {
    const id = randomUUID();
    const serviceAccount = `sp-tester-${id.replaceAll('-', '').slice(0, 12)}`;
    const session: GatewaySession = {
      id,
      clusterId: this.connection.id,
      actorId: randomUUID(),
      actor: 'tester@example.com',
      role: 'tester',
      serviceAccount,
      clientAddress: '192.0.2.7',
    };
    const account = {
      sessionId: id,
      serviceAccount,
      clusterRoles: options.clusterRoles ?? ['cluster-admin'],
      namespaces: options.namespaces ?? [],
    };
    const upstream = this.accounts.create(this.connection.id, account, 3_600_000).then(({ token }) => token);
    this.#sessions.set(id, { session, upstream, alive: true });
    this.#stack.defer(() => this.accounts.remove(this.connection.id, id));
    await upstream;
    const { token } = await this.tokens.mint({ sessionId: id, namespace: this.namespace, serviceAccount });
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.once('close', () => sockets.delete(socket)));
      this.gateway.attach(id, socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#stack.defer(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const { port } = server.address() as AddressInfo;
    const kubeconfig = join(this.#folder, `${id}.kubeconfig`);
    await writeFile(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'test',
        clusters: [
          {
            name: 'test',
            cluster: {
              server: `https://127.0.0.1:${port}`,
              'certificate-authority-data': Buffer.from(this.gateway.certificateAuthority).toString('base64'),
            },
          },
        ],
        users: [{ name: 'tester', user: { token } }],
        contexts: [{ name: 'test', context: { cluster: 'test', user: 'tester', namespace: options.namespaces?.[0] } }],
      }),
    );
    return { ...session, kubeconfig, port, token };
  }

  /** As when sessions/ ends it. */
  async end(sessionId: string): Promise<void> {
    this.#sessions.get(sessionId)!.alive = false;
    await this.gateway.cut(sessionId);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

export type TestGatewayOptions = {
  egress?: EgressRules;
  journalBound?: number;
  /** Another server in the cluster's place. */
  upstream?: ClusterConnection['endpoint'];
};

type Parts = {
  stack: AsyncDisposableStack;
  portalId: string;
  namespace: string;
  folder: string;
  connection: ClusterConnection;
  admin: KubeClient;
  audit: AuditLog;
  rows: AuditRow[];
  database: { away: boolean };
  authority: Authority;
  signingKey: KeyObject;
  upstream: ClusterConnection['endpoint'] | undefined;
  egress: EgressRules;
};
