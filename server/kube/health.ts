/**
 * Looks at every cluster now and then, at one that was registered or changed at once (by whichever process), and renews
 * the portal's own tokens in time.
 */
import type { Notifications } from '../../db/notifications.ts';
import type { AuditSink } from '../audit/sink.ts';
import type { KubeClient } from './client.ts';
import { PORTAL_ACCOUNT } from './manifest.ts';
import { probe } from './probe.ts';
import type { RegisteredCluster } from './registry.ts';
import { requestToken } from './token-request.ts';

export type ClusterHealth = {
  state: 'healthy' | 'degraded' | 'unreachable' | 'unknown';
  version: string | null;
  latencyMs: number | null;
  checkedAt: Date | null;
  message: string | null;
  missingPermissions: string[];
};

export type HealthDeps = {
  registry: {
    list(): Promise<RegisteredCluster[]>;
    client(id: string): Promise<KubeClient>;
    replaceToken(id: string, token: { token: string; expiresAt: Date }): Promise<void>;
  };
  notifications: Pick<Notifications, 'on' | 'onReset'>;
  clusterRoles(): Promise<string[]>;
  audit: AuditSink;
  now(): Date;
  onFault(error: unknown): void;
};

const EVERY_MS = 30_000;
/** Asking for each permission is a call each: every tenth look. */
const PERMISSIONS_EVERY = 10;
/** Renewed when half of the time is over; asked for anew each time for this long, so that a portal may rest a week. */
const TOKEN_SECONDS = 14 * 24 * 3_600;

const nothing: ClusterHealth = {
  state: 'unknown',
  version: null,
  latencyMs: null,
  checkedAt: null,
  message: null,
  missingPermissions: [],
};

export class ClusterHealthWatch implements AsyncDisposable {
  readonly #deps: HealthDeps;
  readonly #health = new Map<string, ClusterHealth>();
  readonly #timer: NodeJS.Timeout;
  #round = 0;
  #looking: Promise<void> | null = null;
  readonly #changed = new Set<Promise<void>>();
  readonly #stopHearing: (() => void)[];

  constructor(deps: HealthDeps) {
    this.#deps = deps;
    this.#stopHearing = [
      deps.notifications.on('cluster', (id) => this.#lookAtChanged(id)),
      deps.notifications.onReset(() => void this.look()),
    ];
    this.#timer = setInterval(() => void this.look(), EVERY_MS).unref();
    void this.look();
  }

  of(clusterId: string): ClusterHealth {
    return this.#health.get(clusterId) ?? nothing;
  }

  /** For /readyz: by name, as last seen. */
  findings(clusters: readonly RegisteredCluster[]): Record<string, { ok: boolean; message: string | null }> {
    return Object.fromEntries(
      clusters.map(({ id, name }) => {
        const { state, message } = this.of(id);
        return [name, { ok: state !== 'unreachable', message }];
      }),
    );
  }

  /** All clusters, now; joins a look that is under way. Never throws. */
  look(): Promise<void> {
    this.#looking ??= this.#lookAtAll()
      .catch((error: unknown) => this.#deps.onFault(error))
      .finally(() => (this.#looking = null));
    return this.#looking;
  }

  /** One cluster with its permissions, now: after it was registered. */
  async check(cluster: RegisteredCluster): Promise<ClusterHealth> {
    await this.#lookAt(cluster, await this.#deps.clusterRoles());
    return this.of(cluster.id);
  }

  /** A cluster that another process registered, or whose address or token is new: nobody waits for the next round. */
  #lookAtChanged(id: string): void {
    const looking = this.#lookAtNamed(id)
      .catch((error: unknown) => this.#deps.onFault(error))
      .finally(() => this.#changed.delete(looking));
    this.#changed.add(looking);
  }

  async #lookAtNamed(id: string): Promise<void> {
    const cluster = (await this.#deps.registry.list()).find((known) => known.id === id);
    if (cluster) await this.check(cluster);
    else this.#health.delete(id);
  }

  async #lookAtAll(): Promise<void> {
    const withPermissions = this.#round++ % PERMISSIONS_EVERY === 0;
    const [clusters, clusterRoles] = await Promise.all([this.#deps.registry.list(), this.#deps.clusterRoles()]);
    const present = new Set(clusters.map(({ id }) => id));
    for (const id of this.#health.keys()) if (!present.has(id)) this.#health.delete(id);
    await Promise.all(
      clusters.map(async (cluster) => {
        const known = this.of(cluster.id).state !== 'unknown' && this.of(cluster.id).state !== 'unreachable';
        await this.#lookAt(cluster, withPermissions || !known ? clusterRoles : null);
        await this.#renewToken(cluster);
      }),
    );
  }

  async #lookAt(cluster: RegisteredCluster, clusterRoles: string[] | null): Promise<void> {
    const checkedAt = this.#deps.now();
    try {
      const result = await probe(
        await this.#deps.registry.client(cluster.id),
        cluster.namespace,
        clusterRoles,
        cluster.actAs,
      );
      const missing = clusterRoles ? result.missingPermissions : this.of(cluster.id).missingPermissions;
      const { version, latencyMs } = result;
      const message = result.message ?? (missing.length > 0 ? this.of(cluster.id).message : null);
      const state = version === null ? 'unreachable' : missing.length > 0 ? 'degraded' : 'healthy';
      this.#found(cluster.id, { state, version, latencyMs, checkedAt, message, missingPermissions: missing });
    } catch (error) {
      const message = error instanceof Error ? error.message : 'The cluster cannot be checked.';
      this.#found(cluster.id, { ...nothing, state: 'unreachable', checkedAt, message });
    }
  }

  /** A look that began before another one of the same cluster may end after it, and knows less. */
  #found(id: string, health: ClusterHealth & { checkedAt: Date }): void {
    const before = this.of(id).checkedAt;
    if (before === null || before <= health.checkedAt) this.#health.set(id, health);
  }

  async #renewToken(cluster: RegisteredCluster): Promise<void> {
    const expiresAt = cluster.credentialExpiresAt;
    if (!cluster.managed || !expiresAt) return;
    const left = expiresAt.getTime() - this.#deps.now().getTime();
    if (left > (TOKEN_SECONDS * 1000) / 2) return;
    try {
      const client = await this.#deps.registry.client(cluster.id);
      const asked = { namespace: cluster.namespace, account: PORTAL_ACCOUNT, seconds: TOKEN_SECONDS };
      const token = await requestToken(client, asked, this.#deps.now);
      // A cluster may grant less than was asked: then each look renews only past the half of what it grants.
      if (token.expiresAt.getTime() - expiresAt.getTime() < left / 2) return;
      await this.#deps.audit.record({
        at: this.#deps.now(),
        code: 'cluster.credential-renewed',
        actorId: null,
        actor: 'portal',
        clusterId: cluster.id,
        detail: { name: cluster.name, expiresAt: token.expiresAt.toISOString() },
      });
      await this.#deps.registry.replaceToken(cluster.id, token);
    } catch (error) {
      this.#deps.onFault(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    for (const stop of this.#stopHearing) stop();
    await Promise.all([this.#looking, ...this.#changed]);
  }
}
