/**
 * The only composition root: builds every service in order; disposing goes in reverse. What one feature needs of
 * another is handed over here, and nowhere else.
 */
import { openDatabase, type Database } from '../db/client.ts';
import { migrate } from '../db/migrate.ts';
import { Notifications } from '../db/notifications.ts';
import { auditEvents } from '../db/schema.ts';
import { settleSetting } from '../db/queries/settings.ts';
import { randomUUID } from 'node:crypto';
import { Roles } from './access/roles.ts';
import { ApiTokens } from './auth/api-tokens.ts';
import { sessionCookieName } from './auth/cookies.ts';
import { identifier } from './auth/identify.ts';
import { WebSessions } from './auth/web-sessions.ts';
import type { AuditSink } from './audit/sink.ts';
import type { Config } from './config/config.ts';
import type { Secrets } from './config/secrets.ts';
import { buildApp } from './http/app.ts';
import { trustedProxies } from './http/client-address.ts';
import { Health } from './http/health.ts';
import { Metrics } from './http/metrics.ts';
import type { Router } from './http/router.ts';
import { meRoutes } from './http/routes/me.ts';
import { rolesRoutes } from './http/routes/roles.ts';
import { Upgrades } from './http/upgrades.ts';
import type { Logger } from './log.ts';

export type Context = AsyncDisposable & {
  portalId: string;
  app: Router;
  upgrades: Upgrades;
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
  const notifications = opening.use(new Notifications(options.database.url));
  await notifications.start();
  const portalId = await settleSetting(db, 'portal-id', randomUUID());
  const health = new Health();
  const metrics = new Metrics();
  health.register('database', async () => {
    await database.ping();
    return notifications.listening
      ? { ok: true, message: null }
      : { ok: false, message: 'notifications do not arrive' };
  });

  // ── audit ──
  const audit: AuditSink = {
    async record(event) {
      await db.insert(auditEvents).values({ ...event, key: randomUUID() });
    },
  };

  // ── access: roles ──
  const roles = new Roles({ db, notifications, audit, now });
  await roles.seed({
    adminGroups: config.signIn.adminGroups,
    developerNamespaces: config.developerNamespaces,
    defaults: config.sessionDefaults,
  });

  // ── auth: sign-ins, API tokens ──
  const webSessions = opening.use(
    new WebSessions({ db, notifications, roles, lifetimeMs: config.signIn.lifetimeMs, now }),
  );
  const apiTokens = opening.use(new ApiTokens({ db, notifications, roles, audit, now }));
  const cookieName = sessionCookieName(portalId.slice(0, 8));
  const identify = identifier({ cookieName, webSessions, apiTokens });

  // ── http ──
  const trusted = trustedProxies(config.trustedProxies);
  const upgrades = opening.use(
    new Upgrades({ origin, trusted, identify, onWebSessionsEnded: (listener) => webSessions.onEnded(listener), log }),
  );
  const routes = [meRoutes({ roles, signOutUrl: async () => null }), rolesRoutes({ roles })];
  const app = buildApp({
    origin,
    trusted,
    monitoring: trustedProxies(config.monitoringFrom),
    identify,
    health,
    metrics,
    log,
    version: options.version,
    routes,
  });

  const opened = opening.move();
  return { portalId, app, upgrades, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
