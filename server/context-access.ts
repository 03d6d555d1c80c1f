/**
 * The composition root's part for access itself: sandboxes, terminals, recordings, the way to Kubernetes, sessions.
 * They hold each other in a ring (a terminal tells sessions, the gateway asks them), which is closed here.
 */
import { randomUUID } from 'node:crypto';
import Docker from 'dockerode';
import { addressRanges } from './address-ranges.ts';
import type { Db } from '../db/client.ts';
import type { Notifications } from '../db/notifications.ts';
import { settleSetting } from '../db/queries/settings.ts';
import { DockerSandboxRuntime } from '../sandbox/docker/docker-runtime.ts';
import { PersonGroups } from './access/person-groups.ts';
import type { Roles } from './access/roles.ts';
import type { AuditLog } from './audit/audit-log.ts';
import type { Config } from './config/config.ts';
import type { Secrets } from './config/secrets.ts';
import { sealingContexts } from './crypto/sealed-records.ts';
import type { Sealer } from './crypto/sealing.ts';
import type { Person } from './domain/person.ts';
import { ApiServer } from './gateway/api-server.ts';
import { ClientAuthority, ClientCertificates } from './gateway/client-authority.ts';
import { Authority, createAuthority, type AuthorityKeys } from './gateway/authority.ts';
import { EgressProxy } from './gateway/egress.ts';
import { kubeconfigFile, type KubeconfigEntry } from './gateway/kubeconfig-file.ts';
import { listenGateway, type GatewayListener } from './gateway/listener.ts';
import { LiveCalls } from './gateway/live-calls.ts';
import { GatewayMetrics } from './gateway/metrics.ts';
import { OwnCertificate } from './gateway/own-certificate.ts';
import { SandboxGateway } from './gateway/sandbox-gateway.ts';
import { isLinkToken, KubernetesTokens, kubeconfigTokens, linkTokens } from './gateway/tokens.ts';
import { clientAddress } from './http/client-address.ts';
import type { Health } from './http/health.ts';
import type { Metrics } from './http/metrics.ts';
import { SessionAccounts } from './kube/accounts.ts';
import { KubeClient } from './kube/client.ts';
import type { ClusterHealthWatch } from './kube/health.ts';
import { inForce, RULES_REVIEWS } from './kube/in-force.ts';
import type { ClusterRegistry } from './kube/registry.ts';
import { ServedResources } from './kube/served-resources.ts';
import type { Logger } from './log.ts';
import { RateLimiter } from './rate-limiter.ts';
import { Recordings } from './recording/recordings.ts';
import { issueKubeconfig, type IssuedCredential, type KubeconfigWish } from './sessions/kubeconfig-issue.ts';
import { Kubeconfigs } from './sessions/kubeconfigs.ts';
import { Links } from './sessions/links.ts';
import { keepSessions } from './sessions/keeper.ts';
import type { ClustersPart } from './sessions/parts.ts';
import { Sandboxes } from './sessions/sandboxes.ts';
import { Sessions, type Caller } from './sessions/sessions.ts';
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

export type Access = AsyncDisposable & {
  sessions: Sessions;
  terminals: Terminals;
  recordings: Recordings;
  clusters: ClustersPart;
  links: Links;
  /** Of a cluster, for people's own tools. */
  gatewayAddress(cluster: string): string;
  issueKubeconfig(person: Person, wish: KubeconfigWish, caller: Caller): Promise<IssuedCredential>;
  /** A kubeconfig's text, for the gateway's address. */
  kubeconfigFile(entries: readonly [KubeconfigEntry, ...KubeconfigEntry[]]): string;
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
    upstreamToken: (id: string, signal: AbortSignal) => sessions.upstreamToken(id, signal),
  };
  const calls = opening.use(new LiveCalls(() => Date.now(), { streams: config.limits.streams }));
  const recheck = () => {
    void calls.recheck((err) => log.warn({ err }, 'a stream could not be checked against its role'));
  };
  deps.notifications.on('role', recheck);
  deps.notifications.onReset(recheck);
  const rate = new RateLimiter(config.limits.kubernetes, () => performance.now());
  const tokens = new KubernetesTokens({ keys: deps.secrets.signingKeys, issuer: portalId, now });
  registerTerminalMetrics(deps.metrics.registry, () => terminals.queued());
  const metrics = new GatewayMetrics(deps.metrics.registry, () => ({
    calls: calls.count,
    streams: calls.streams,
    waiting: rate.waiting,
    connections: gateway.connections + listener.connections,
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
  const credentials = new KubernetesTokens({ keys: deps.secrets.signingKeys, issuer: portalId, now }, kubeconfigTokens);
  const linkCredentials = new KubernetesTokens({ keys: deps.secrets.signingKeys, issuer: portalId, now }, linkTokens);
  const links = new Links({
    db,
    clusters,
    roles: deps.roles,
    sign: (subject) => linkCredentials.issue(subject),
    endWithSignOut: config.kubeconfig.endWithSignOut,
    audit,
    now,
  });
  const kubeconfigs = opening.use(
    new Kubeconfigs({
      db,
      accounts,
      async inForce({ clusterId, namespaces, sessionId }, token) {
        const { name, endpoint, actAs } = await registry.connection(clusterId);
        // Nothing was made that the cluster would have to hear of.
        if (actAs === 'impersonation') return;
        const portal = { endpoint, authorization: `Bearer ${token}` };
        const [at, auditId] = [now(), randomUUID()];
        // Done in the session's name, though not by its person: the cluster's log has it, so ours does.
        const whose = { at, actorId: null, actor: 'portal', sessionId, clusterId, auditId };
        const call = { method: 'POST', path: RULES_REVIEWS, verb: 'create', group: 'authorization.k8s.io' };
        const record = audit.startCall({
          ...whose,
          changes: false,
          detail: { ...call, resource: 'selfsubjectrulesreviews', status: null, durationMs: null },
        });
        await record.started;
        let status: number | null = null;
        try {
          await inForce(new KubeClient({ name, portal }), namespaces, auditId);
          status = 201;
        } finally {
          const durationMs = now().getTime() - at.getTime();
          const answer = { status, durationMs, requestBytes: 0, responseBytes: 0, upgraded: false };
          await record.finish({ at: now(), detail: answer });
        }
      },
      calls,
      notifications: deps.notifications,
      announce: (session) => deps.notifications.announce(db, 'access-session', session),
      end: (session, ending) => sessions.end(session, ending),
      audit,
      now,
      log,
    }),
  );
  const name = `CN=Sallyport client authority ${portalId}`;
  const clientAuthority = await ClientAuthority.open(
    await authorityKeys(db, deps.sealer, sealingContexts.clientAuthority, now(), name),
    now,
  );
  const trusted = addressRanges(config.trustedProxies);
  const gatewayHost = new URL(config.gateway.url ?? deps.origin).hostname.replace(/^\[(.*)\]$/, '$1');
  const own = config.tls
    ? null
    : opening.use(
        await OwnCertificate.open({
          authority,
          hosts: [gatewayHost],
          now,
          onFault: (err) => deps.log.error({ err, part: 'gateway' }, "the gateway's own certificate was not renewed"),
        }),
      );
  const listener: GatewayListener = opening.use(
    await listenGateway(config.gateway, config.tls ?? own!.identity, {
      api,
      errorDocs,
      sessions: kubeconfigs,
      tokens: {
        verify: (token) => (isLinkToken(token) ? linkCredentials : credentials).verify(token),
      },
      links,
      now,
      clientAuthority: clientAuthority.certificate,
      certificates: new ClientCertificates(clientAuthority, now),
      clientAddress: ({ socket, headers }) =>
        clientAddress(socket.remoteAddress, headers['x-forwarded-for']?.toString(), trusted),
    }),
  );
  own?.onRenewed((identity) => listener.useCertificate(identity));
  const gatewayUrl = config.gateway.url ?? `https://${new URL(deps.origin).hostname}:${listener.port}`;
  opening.use(await keepSessions({ sessions, pool, runtime, changes: deps.notifications, log }));

  const opened = opening.move();
  return {
    sessions,
    terminals,
    recordings,
    clusters,
    links,
    gatewayAddress: (cluster) => `${gatewayUrl}/k8s/${cluster}`,
    issueKubeconfig: (person, wish, caller) =>
      issueKubeconfig(
        {
          db,
          clusters,
          roles: deps.roles,
          sign: (subject) => credentials.issue(subject),
          certify: (subject) => clientAuthority.issue(subject),
          endWithSignOut: config.kubeconfig.endWithSignOut,
          audit,
          now,
        },
        person,
        wish,
        caller,
      ),
    kubeconfigFile: (entries) =>
      kubeconfigFile(entries, { gateway: gatewayUrl, authority: config.tls ? null : authority.certificate }),
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

/** One of each for the installation, so that kubeconfigs outlive the process that wrote them. */
async function authorityKeys(
  db: Db,
  sealer: Sealer,
  context: string,
  now: Date,
  name?: string,
): Promise<AuthorityKeys> {
  const made = await createAuthority(now, name);
  const kept = await settleSetting(db, context, {
    certificate: made.certificate,
    key: sealer.seal(made.key, context).toString('base64'),
  } satisfies AuthorityKeys);
  const key = sealer.open(Buffer.from(kept.key, 'base64'), context).toString();
  return { certificate: kept.certificate, key };
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
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || 443) };
}
