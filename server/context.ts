/**
 * The only composition root: builds every service in order; disposing goes in reverse. What one feature needs of
 * another is handed over here (access to clusters in context-access.ts, people's own tools in context-own-tools.ts),
 * and nowhere else: as long as the list of them.
 */
import { openDatabase, type Database } from '../db/client.ts';
import { migrate } from '../db/migrate.ts';
import { Notifications } from '../db/notifications.ts';
import {
  insertAuditEvents,
  findAuditEvent,
  findSessionStream,
  listAuditEvents,
  listSessionStreams,
  listSessionCalls,
} from '../db/queries/audit.ts';
import { listLinks } from '../db/queries/links.ts';
import { listServices } from '../db/queries/services.ts';
import { settleSetting } from '../db/queries/settings.ts';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Roles, seedRoles } from './access/roles.ts';
import { AuditLog } from './audit/audit-log.ts';
import { registerAuditMetrics } from './audit/metrics.ts';
import { settleAccount } from './auth/accounts.ts';
import { ApiTokens } from './auth/api-tokens.ts';
import { CliApprovals } from './auth/cli-approvals.ts';
import { CliTokens } from './auth/cli-tokens.ts';
import { clearedSessionCookie, sessionCookie, sessionCookieName } from './auth/cookies.ts';
import { GithubProvider } from './auth/github.ts';
import { readGuardedJson } from './auth/guarded-json.ts';
import { identifier } from './auth/identify.ts';
import { LiveProofs } from './auth/live-proofs.ts';
import { checkLocalPassword } from './auth/local.ts';
import { OidcProvider } from './auth/oidc.ts';
import { formTargets, signInOffer, signInSettings, signOutUrl } from './auth/offer.ts';
import { SignIns } from './auth/sign-ins.ts';
import { ServiceUsers } from './auth/service-users.ts';
import { TokenExchange } from './auth/token-exchange.ts';
import { TrustedIssuers } from './auth/trusted-issuers.ts';
import { Trusts } from './auth/trusts.ts';
import { Users } from './auth/users.ts';
import { WebSessions } from './auth/web-sessions.ts';
import type { Config } from './config/config.ts';
import { openAccess } from './context-access.ts';
import type { ProxyOrigins } from './context-origins.ts';
import { Sealer } from './crypto/sealing.ts';
import type { Proof } from './domain/person.ts';
import { reachingRoles } from './domain/role-choice.ts';
import type { Secrets } from './config/secrets.ts';
import { buildApp } from './http/app.ts';
import { addressRanges } from './address-ranges.ts';
import { Health } from './http/health.ts';
import { Metrics } from './http/metrics.ts';
import type { Router } from './http/router.ts';
import { listenInternal } from './http/internal.ts';
import { auditRoutes } from './http/routes/audit.ts';
import { cliSignInRoutes } from './http/routes/cli-sign-in.ts';
import { clustersRoutes } from './http/routes/clusters.ts';
import { fileRoutes } from './http/routes/files.ts';
import { kubeconfigsRoutes } from './http/routes/kubeconfigs.ts';
import { meRoutes } from './http/routes/me.ts';
import { oauthRoutes } from './http/routes/oauth.ts';
import { linkKeysRoutes } from './http/routes/link-keys.ts';
import { linksRoutes } from './http/routes/links.ts';
import { recordingRoutes } from './http/routes/recordings.ts';
import { rolesRoutes } from './http/routes/roles.ts';
import { servicesRoutes } from './http/routes/services.ts';
import { sessionsRoutes, terminalUpgrade } from './http/routes/sessions.ts';
import { signInRoutes } from './http/routes/sign-in.ts';
import { serviceUsersRoutes } from './http/routes/service-users.ts';
import { tokensRoutes } from './http/routes/tokens.ts';
import { trustsRoutes } from './http/routes/trusts.ts';
import { usersRoutes } from './http/routes/users.ts';
import { noteUnconfirmed } from './http/unconfirmed.ts';
import { Upgrades } from './http/upgrades.ts';
import { WebProcess } from './http/web-process.ts';
import { reachable, WebProxy } from './http/web.ts';
import { checkLiteralHost, guardedLookup } from './kube/addresses.ts';
import { ClusterHealthWatch } from './kube/health.ts';
import { manifest } from './kube/manifest.ts';
import { ClusterRegistry } from './kube/registry.ts';
import type { Logger } from './log.ts';
import { RateLimiter } from './rate-limiter.ts';
import { replicaId, startHeartbeat } from './replica.ts';

export type Context = AsyncDisposable & {
  portalId: string;
  app: Router;
  upgrades: Upgrades;
  web(request: IncomingMessage, response: ServerResponse): void;
  /** The proxy domain; null: there is none. */
  origins: ProxyOrigins['origins'];
  /** Before an orderly end: sessions are let go, their pages reconnect to the next run. */
  letGo(): Promise<void>;
};

export type ContextOptions = {
  config: Config;
  secrets: Secrets;
  log: Logger;
  /** `https://portal.example`, or localhost with the port that will be bound. */
  origin: string;
  /** Where the database is: the operator's, or the embedded one that is running already. */
  database: { url: string; migrationUrl: string };
  version: string;
};

export async function buildContext(options: ContextOptions): Promise<Context> {
  const { config, log, origin } = options;
  const now = () => new Date();
  // Everything that opens goes on this stack: a failure half way closes what is open so far.
  await using opening = new AsyncDisposableStack();

  // ── ground: database, notifications, health, metrics ──
  await migrate({ url: options.database.migrationUrl, portalRole: new URL(options.database.url).username });
  const database: Database = opening.use(openDatabase(options.database.url));
  const { db } = database;
  const replica = await replicaId(config.dataDir);
  const notifications = opening.use(
    new Notifications(options.database.url, {
      replica,
      onUnconfirmed(topic, id, replicas) {
        noteUnconfirmed(replicas);
        log.warn({ topic, id, replicas }, 'a change was not confirmed by every replica that lives');
      },
    }),
  );
  await notifications.start();
  const portalId = await settleSetting(db, 'portal-id', randomUUID());
  // It listens before it counts as living: who waits for its word gets it.
  opening.use(await startHeartbeat(db, replica, now, log));
  const health = new Health();
  const metrics = new Metrics();
  health.register('database', async () => {
    await database.ping();
    return notifications.listening
      ? { ok: true, message: null }
      : { ok: false, message: 'notifications do not arrive' };
  });

  // ── audit ──
  const audit = opening.use(
    await AuditLog.open({
      dir: join(config.dataDir, 'audit'),
      fsync: config.fsync,
      insert: (lines) => insertAuditEvents(db, lines),
      now,
      onFault: (err, what) => log.error({ err, part: 'audit' }, `the audit log's ${what} does not take events`),
    }),
  );
  registerAuditMetrics(metrics.registry, audit);

  // ── access: roles ──
  await seedRoles(
    db,
    {
      adminGroups: config.signIn.adminGroups,
      developerNamespaces: config.developerNamespaces,
      defaults: config.sessionDefaults,
    },
    now(),
  );
  const roles = new Roles({ db, notifications, audit, now });

  // ── auth: sign-ins, API tokens, people ──
  const webSessions = opening.use(
    new WebSessions({ db, notifications, roles, lifetimeMs: config.signIn.lifetimeMs, now }),
  );
  const apiTokens = opening.use(new ApiTokens({ db, notifications, roles, audit, now }));
  const cliApprovals = new CliApprovals({ db, audit, now });
  const cliTokens = new CliTokens({ db, apiTokens, audit, now });
  const users = new Users({ db, notifications, roles, webSessions, apiTokens, audit, now });
  const serviceUsers = new ServiceUsers({ db, apiTokens, audit, now });
  const issuerAddresses = { ...config.issuers, allowedBy: 'SALLYPORT_ISSUER_PRIVATE' as const };
  const issuerGuard = {
    lookup: guardedLookup(issuerAddresses),
    literal: (host: string) => checkLiteralHost(host, issuerAddresses),
  };
  const issuers = new TrustedIssuers({ read: (url) => readGuardedJson(url, issuerGuard), now });
  const trusts = new Trusts({ db, issuers, apiTokens, audit, now });
  const tokenExchange = new TokenExchange({ db, origin, issuers, apiTokens, audit, now });
  const instance = portalId.slice(0, 8);
  const cookieName = sessionCookieName(instance);
  const identify = identifier({ cookieName, webSessions, apiTokens });
  const proofs = opening.use(new LiveProofs({ db, notifications, now }));
  const hold = (proof: Proof) => proofs.hold(proof);
  const { oidc: oidcConfig, github: githubConfig, local } = config.signIn;
  const oidc = oidcConfig && new OidcProvider(oidcConfig, now);
  const github = githubConfig && new GithubProvider(githubConfig);
  const signIns = new SignIns({
    redeem: {
      ...(oidc ? { oidc: (proof) => oidc.redeem(proof) } : {}),
      ...(github ? { github: (proof) => github.redeem(proof) } : {}),
      ...(local ? { local: (proof) => checkLocalPassword(db, proof, now()) } : {}),
    },
    settle: (identity, source) => settleAccount({ db, notifications, audit, now }, identity, source),
    webSessions,
    audit,
    now,
  });

  // ── clusters, then access itself ──
  const sealer = new Sealer(options.secrets.masterKeys);
  const clusterRoles = async () => [...new Set((await roles.list()).flatMap((role) => role.clusterRoles))];
  const registry = opening.use(
    new ClusterRegistry({
      db,
      notifications,
      sealer,
      audit,
      addresses: { allowPrivate: config.clusters.allowPrivate },
      clusterRoles,
      now,
    }),
  );
  const clusterHealth = opening.use(
    new ClusterHealthWatch({
      registry,
      notifications,
      clusterRoles,
      audit,
      now,
      onFault: (err) => log.warn({ err, part: 'clusters' }, 'a cluster could not be looked after'),
    }),
  );
  health.registerClusters(async () => clusterHealth.findings(await registry.list()));
  const { secrets } = options;
  const access = opening.use(
    await openAccess({
      config,
      secrets,
      db,
      notifications,
      portalId,
      origin,
      replica,
      sealer,
      audit,
      roles,
      registry,
      clusterHealth,
      health,
      metrics,
      now,
      log,
    }),
  );
  const { sessions, terminals, recordings } = access;

  // ── http: sockets, pages, routes ──
  const trusted = addressRanges(config.trustedProxies);
  const upgrades = opening.use(
    new Upgrades({
      origin,
      trusted,
      identify,
      hold,
      log,
    }),
  );
  upgrades.add('/api/v1/sessions/:id/terminal', terminalUpgrade(access));
  const internal = opening.use(
    await listenInternal(
      {
        settings: () => signInSettings(config, instance, oidc, log),
        redeem: (id, proof) => signIns.redeem(id, proof),
        log: log.child({ part: 'sign-in' }),
      },
      config.web.internal,
    ),
  );
  const webProcess = config.web.url
    ? null
    : opening.use(
        new WebProcess({
          root: fileURLToPath(new URL('..', import.meta.url)),
          env: {
            NEXTAUTH_URL: origin,
            NEXTAUTH_SECRET: options.secrets.webSecret,
            SALLYPORT_INTERNAL_URL: internal.url,
          },
          log: log.child({ part: 'web' }),
        }),
      );
  webProcess?.start();
  health.register('web', async () => webProcess?.health() ?? (await reachable(config.web.url!)));
  const web = opening.use(
    new WebProxy({
      policy: () => ({ origin, formTargets: formTargets(config, oidc) }),
      target: () => (webProcess ? webProcess.target : config.web.url),
      trusted,
      cookie: { name: cookieName, set: (token) => sessionCookie(cookieName, token, config.signIn.lifetimeMs) },
      signedIn: async (cookie) => (await identify({ cookie })) !== undefined,
      webCookies: `__Host-sallyport-auth-${instance}.`,
      signIns,
      metrics,
      log: log.child({ part: 'web' }),
    }),
  );
  const rate = new RateLimiter(config.limits.rest, () => performance.now());
  const app = buildApp({
    origin,
    trusted,
    monitoring: addressRanges(config.monitoringFrom),
    identify,
    rate,
    hold,
    health,
    metrics,
    log,
    version: options.version,
    oauth: oauthRoutes({
      origin,
      approvals: cliApprovals,
      tokens: cliTokens,
      exchange: (form, caller) => tokenExchange.exchange(form, caller),
      rate,
      now,
      log: log.child({ part: 'cli' }),
    }),
    routes: [
      meRoutes({ roles, signOutUrl: (person) => signOutUrl(db, oidc, oidcConfig, origin, person) }),
      signInRoutes({
        offered: signInOffer(config),
        webSessions,
        clearedCookie: clearedSessionCookie(cookieName),
        audit,
        now,
      }),
      tokensRoutes({ apiTokens }),
      cliSignInRoutes({ origin, approvals: cliApprovals }),
      usersRoutes({ users, roles, ownersOf: (of) => serviceUsers.ownersOf(of) }),
      serviceUsersRoutes({ serviceUsers, roles }),
      trustsRoutes({ serviceUsers, trusts }),
      linkKeysRoutes({ serviceUsers, linkKeys: access.linkKeys, audience: access.linkAudience }),
      rolesRoutes({ roles }),
      sessionsRoutes(access),
      kubeconfigsRoutes({
        issue: access.issueKubeconfig,
        wake: access.wakeKubeconfig,
        wakeBy: async (role) => (await roles.policy(role))?.wakeBy ?? 'call',
        sessions,
        clusters: async () => (await registry.list()).map(({ name }) => name),
        file: access.kubeconfigFile,
        longestMs: config.kubeconfig.longestMs,
      }),
      fileRoutes({ sessions, terminals, audit, now }),
      linksRoutes({
        links: access.links,
        list: (userId, id) => listLinks(db, { userId, id }, 200),
        sessions,
        address: access.gatewayAddress,
        url: access.proxy.linkUrl,
        enter: access.proxy.enterLink,
        longestMs: config.kubeconfig.longestMs,
      }),
      servicesRoutes({
        open: access.proxy.openService,
        enter: access.proxy.enterService,
        list: (userId) => listServices(db, userId, 50),
        origin: access.proxy.originOf,
        sessions,
      }),
      recordingRoutes({
        sessions,
        recordings,
        streams: {
          async list(session) {
            await audit.flush();
            return listSessionStreams(db, session, 200);
          },
          find: (session, stream) => findSessionStream(db, session, stream),
        },
        audit,
        now,
      }),
      clustersRoutes({
        registry,
        health: clusterHealth,
        roles: {
          reaching: async ({ groups }) => reachingRoles(groups, await roles.list()).map(({ name }) => name),
        },
        manifest: async (namespace, actAs) => manifest(namespace, await clusterRoles(), actAs),
        // Before its credential goes: what sessions have on the cluster is removed with it.
        endSessions: (id) => sessions.endOn(id, { reason: 'revoked', detail: 'The cluster was removed.' }),
      }),
      auditRoutes({
        events: {
          list: (filter, limit, after) => listAuditEvents(db, filter, limit, after),
          calls: (sessionId, limit, after) => listSessionCalls(db, sessionId, limit, after),
          find: (which) => findAuditEvent(db, which),
        },
        flush: () => audit.flush(),
        sessions,
        clusters: access.clusters,
      }),
    ],
  });

  const opened = opening.move();
  return {
    portalId,
    app,
    upgrades,
    web: (request, response) => web.handle(request, response),
    origins: access.proxy.origins,
    letGo: () => sessions.letGo(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
