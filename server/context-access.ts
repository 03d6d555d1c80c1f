/**
 * The composition root's part for access itself: sandboxes, terminals, recordings, the way to Kubernetes, sessions.
 * They hold each other in a ring (a terminal tells sessions, the gateway asks them), which is closed here.
 */
import Docker from 'dockerode';
import type { Db } from '../db/client.ts';
import type { Notifications } from '../db/notifications.ts';
import { DockerSandboxRuntime } from '../sandbox/docker/docker-runtime.ts';
import { PersonGroups } from './access/person-groups.ts';
import type { Roles } from './access/roles.ts';
import type { AuditLog } from './audit/audit-log.ts';
import { authorityKeys } from './authority-keys.ts';
import type { Config } from './config/config.ts';
import type { Secrets } from './config/secrets.ts';
import { openOwnTools, type OwnTools } from './context-own-tools.ts';
import { sealingContexts } from './crypto/sealed-records.ts';
import type { Sealer } from './crypto/sealing.ts';
import { bareHost } from './domain/bare-host.ts';
import { ApiServer } from './gateway/api-server.ts';
import { Authority } from './gateway/authority.ts';
import { EgressProxy } from './gateway/egress.ts';
import { LiveCalls } from './gateway/live-calls.ts';
import { GatewayMetrics } from './gateway/metrics.ts';
import { SandboxGateway } from './gateway/sandbox-gateway.ts';
import { KubernetesTokens } from './gateway/tokens.ts';
import type { Health } from './http/health.ts';
import type { Metrics } from './http/metrics.ts';
import { SessionAccounts } from './kube/accounts.ts';
import type { ClusterHealthWatch } from './kube/health.ts';
import type { ClusterRegistry } from './kube/registry.ts';
import { ServedResources } from './kube/served-resources.ts';
import type { Logger } from './log.ts';
import { RateLimiter } from './rate-limiter.ts';
import { Recordings } from './recording/recordings.ts';
import { keepSessions } from './sessions/keeper.ts';
import type { ClustersPart } from './sessions/parts.ts';
import { Sandboxes } from './sessions/sandboxes.ts';
import { Sessions } from './sessions/sessions.ts';
import { registerPoolMetrics } from './sessions/metrics.ts';
import { WarmPool } from './sessions/warm-pool.ts';
import { registerTerminalMetrics } from './terminal/metrics.ts';
import { Terminals } from './terminal/terminals.ts';

export type AccessDeps = {
  config: Config;
  secrets: Secrets;
  db: Db;
  notifications: Notifications;
  portalId: string;
  /** What people type into the browser. */
  origin: string;
  /** This process: see replica.ts. */
  replica: string;
  sealer: Sealer;
  audit: AuditLog;
  roles: Roles;
  registry: ClusterRegistry;
  clusterHealth: ClusterHealthWatch;
  health: Health;
  metrics: Metrics;
  now: () => Date;
  log: Logger;
};

export type Access = AsyncDisposable &
  OwnTools & {
    sessions: Sessions;
    terminals: Terminals;
    recordings: Recordings;
    clusters: ClustersPart;
  };

/** Sessions of an earlier run have been taken up when this resolves, as far as a few seconds suffice. */
export async function openAccess(deps: AccessDeps): Promise<Access> {
  const { config, db, portalId, replica, audit, registry, now } = deps;
  const log = deps.log.child({ part: 'sessions' });
  await using opening = new AsyncDisposableStack();
  // Built last, asked by what is built before: nothing asks before it is there.
  let sessions: Sessions;

  // ── sandboxes, terminals, recordings ──
  const runtime = openRuntime(config, portalId, replica);
  deps.health.register('engine', async () => {
    const health = await runtime.health();
    return health.ok ? { ok: true, message: health.engine } : health;
  });
  const recordings = opening.use(
    new Recordings({ dataDir: config.dataDir, fsync: config.fsync, log: deps.log.child({ part: 'recording' }) }),
  );
  const terminals = opening.use(
    new Terminals({
      recordings,
      events: {
        humanInput: (session, at) => sessions.humanInput(session, at),
        attached: (session, page) => sessions.attached(session, page),
        detached: (session) => sessions.detached(session),
        exited: (session, exit) => sessions.exited(session, exit),
        fault: (session, message) => sessions.fault(session, message),
        answers: (session, answers) => sessions.answers(session, answers),
        hiddenShell: (session, detail) => sessions.hiddenShell(session, detail),
      },
      now,
      log: deps.log.child({ part: 'terminal' }),
    }),
  );

  // ── the way to Kubernetes ──
  const errorDocs = config.errorDocsUrl ?? `${deps.origin}/docs/errors/`;
  const directory = {
    alive: (id: string) => sessions.alive(id),
    tokenAtHand: (id: string) => sessions.tokenAtHand(id),
    upstreamToken: (id: string, signal: AbortSignal) => sessions.upstreamToken(id, signal),
  };
  const calls = opening.use(new LiveCalls(() => Date.now(), { streams: config.limits.streams }));
  const recheck = () => {
    void calls.recheck((err) => log.warn({ err }, 'a stream could not be checked against its role'));
  };
  deps.notifications.on('role', recheck);
  // Of somebody whom a link is for: it is nobody's session.
  deps.notifications.on('web-session', recheck);
  deps.notifications.onReset(recheck);
  const rate = new RateLimiter(config.limits.kubernetes, () => performance.now());
  const tokens = new KubernetesTokens({ keys: deps.secrets.signingKeys, issuer: portalId, now });
  registerTerminalMetrics(deps.metrics.registry, () => terminals.queued());
  const metrics = new GatewayMetrics(deps.metrics.registry, () => ({
    calls: calls.count,
    streams: calls.streams,
    waiting: rate.waiting,
    queued: calls.queued,
    connections: gateway.connections + ownTools.connections,
  }));
  const groups = new PersonGroups({ db, notifications: deps.notifications, roles: deps.roles });
  const served = new ServedResources((id) => registry.client(id));
  const api = opening.use(
    new ApiServer({
      sessions: directory,
      tokens,
      clusters: {
        async upstream(id) {
          const { name, namespace, endpoint, actAs, portal } = await registry.connection(id);
          return { cluster: name, portalNamespace: namespace, endpoint, asPortal: actAs === 'account' ? null : portal };
        },
        served: (id) => served.of(id, now().getTime()),
      },
      policy: (role) => deps.roles.policy(role),
      groups: (user, role) => groups.of(user, role),
      maskedPaths: config.auditMask,
      recordings: { record: (facts) => recordings.record(facts), most: config.streamRecordingBytes },
      audit,
      calls,
      rate,
      metrics: () => metrics,
      now,
      errorDocs,
      onFault: (err) => deps.log.error({ err, part: 'gateway' }, 'a Kubernetes call failed unexpectedly'),
    }),
  );
  const egress = opening.use(
    new EgressProxy({
      sessions: directory,
      audit,
      rules: { ...config.egress, apiServers: async () => (await registry.list()).map(serverOf) },
      metrics: () => metrics,
      now,
    }),
  );
  const keys = await authorityKeys(db, deps.sealer, sealingContexts.sandboxAuthority, now());
  const authority = await Authority.open(keys, now);
  const gateway: SandboxGateway = opening.use(new SandboxGateway({ authority, api, egress, calls, now }));

  // ── sessions ──
  const accounts = new SessionAccounts({
    portalId,
    async cluster(id) {
      const [connection, client] = await Promise.all([registry.connection(id), registry.client(id)]);
      return { client, namespace: connection.namespace, actAs: connection.actAs };
    },
    now,
  });
  const way = {
    prepare: (sandbox: string) => gateway.prepare(sandbox),
    attach: gateway.attach.bind(gateway),
    cut: (session: string) => gateway.cut(session),
    certificateAuthority: gateway.certificateAuthority,
    mint: tokens.mint.bind(tokens),
  };
  const sandboxes = new Sandboxes({ runtime, terminals, gateway: way });
  const pool = opening.use(new WarmPool({ sandboxes, size: config.sandbox.warmPool, log }));
  registerPoolMetrics(deps.metrics.registry, pool, config.sandbox.warmPool);
  const clusters = clustersOf(registry, deps.clusterHealth);
  sessions = opening.use(
    new Sessions({
      db,
      replica,
      runtime,
      sandboxes,
      pool,
      gateway: way,
      announce: (session) => deps.notifications.announce(db, 'access-session', session),
      accounts,
      clusters,
      roles: deps.roles,
      sealer: deps.sealer,
      audit,
      now,
      log,
    }),
  );

  // ── people's own tools ──
  const ownTools = opening.use(
    await openOwnTools({
      ...deps,
      accounts,
      clusters,
      api,
      calls,
      authority,
      errorDocs,
      end: (session, ending) => sessions.end(session, ending),
    }),
  );
  opening.use(await keepSessions({ sessions, pool, runtime, changes: deps.notifications, log }));

  const opened = opening.move();
  return {
    sessions,
    terminals,
    recordings,
    clusters,
    links: ownTools.links,
    linkKeys: ownTools.linkKeys,
    linkAudience: ownTools.linkAudience,
    proxy: ownTools.proxy,
    gatewayAddress: ownTools.gatewayAddress,
    issueKubeconfig: ownTools.issueKubeconfig,
    wakeKubeconfig: ownTools.wakeKubeconfig,
    kubeconfigFile: ownTools.kubeconfigFile,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function openRuntime(config: Config, portalId: string, replica: string): DockerSandboxRuntime {
  const { sandbox } = config;
  const host = new URL(sandbox.dockerHost);
  const docker =
    host.protocol === 'unix:'
      ? new Docker({ socketPath: host.pathname })
      : new Docker({ host: host.hostname, port: Number(host.port || 2375), protocol: 'http' });
  return new DockerSandboxRuntime({
    docker,
    image: sandbox.image,
    portalId,
    replica,
    runtimeDir: config.runtimeDir,
    mode: sandbox.mode === 'socket' ? 'sockets' : sandbox.mode,
    limits: { memory: sandbox.memoryBytes, home: sandbox.homeBytes, pids: sandbox.pids, cpus: sandbox.cpus },
    ...(sandbox.runtime ? { runtime: sandbox.runtime } : {}),
  });
}

function clustersOf(registry: ClusterRegistry, watch: ClusterHealthWatch): ClustersPart {
  return {
    async find(nameOrId) {
      const found = (await registry.list()).find(({ id, name }) => id === nameOrId || name === nameOrId);
      if (!found) return null;
      const { id, name, production, namespace } = found;
      return { id, name, production, namespace, healthy: watch.of(id).state !== 'unreachable' };
    },
    ids: async () => (await registry.list()).map(({ id }) => id),
  };
}

function serverOf({ server }: { server: string }): { host: string; port: number } {
  const url = new URL(server);
  return { host: bareHost(url.hostname), port: Number(url.port || 443) };
}
