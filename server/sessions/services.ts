/** Services and pods of a cluster in the browser: a session each, at an origin of its own. */
import { createHash, randomUUID } from 'node:crypto';
import type { Db } from '../../db/client.ts';
import { findService, insertService, standingService } from '../../db/queries/services.ts';
import { insertSession } from '../../db/queries/sessions.ts';
import type { Person } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import { proxyPath, serviceLabel, type ServiceTarget } from '../domain/service-origin.ts';
import { groundOf, type OpeningDeps, sleeping } from './own-tools-row.ts';
import type { AuditPart, Caller, ClusterFacts } from './parts.ts';

/** A person's at once. */
const MOST = 100;
/** Kept at hand: what a session is for never changes. */
const KEPT = 10_000;

export type ServicesDeps = OpeningDeps & { db: Db; audit: AuditPart };

export type ServiceWish = ServiceTarget & { cluster: string; role?: string | undefined };

/** `prefix`: where its root is on the cluster's API. */
export type ServiceGround = { label: string; prefix: string };

export class Services {
  readonly #deps: ServicesDeps;
  readonly #grounds = new Map<string, ServiceGround>();

  constructor(deps: ServicesDeps) {
    // Whatever is said of kubeconfigs: what is let in by a browser's sign-in ends with it.
    this.#deps = { ...deps, endWithSignOut: true };
  }

  /**
   * The session behind it, dormant until the first request; one of this sign-in that stands is gone on with. Throws
   * Problem `needs-sign-in`, those of groundOf, and `too-many-sessions`.
   */
  async open(
    person: Person,
    wish: ServiceWish,
    caller: Caller,
  ): Promise<{ id: string; label: string; cluster: ClusterFacts }> {
    const { db, audit } = this.#deps;
    const { proof } = person;
    if (proof.kind !== 'web-session')
      throw new Problem('needs-sign-in', 403, 'A service is opened in a browser, by who is signed in there.', {
        next: 'Open it on the portal’s page; scripts use a kubeconfig or a link.',
      });
    const lifetimeMs = proof.expiresAt.getTime() - this.#deps.now().getTime();
    const ground = await groundOf(this.#deps, person, { ...wish, lifetimeMs });
    const { cluster, role, at } = ground;
    const { kind, namespace, name, port, scheme } = wish;
    const target: ServiceTarget = { kind, namespace, name, port, scheme };
    const label = serviceLabel(target, digest([person.id, cluster.id, proxyPath(target)]));
    const standing = await standingService(db, { label, role: role.name, webSessionId: proof.id, now: at });
    if (standing) return { id: standing.id, label, cluster };
    const id = randomUUID();
    const row = await insertSession(
      db,
      sleeping(this.#deps, person, { id, channel: 'service', ...ground }, caller),
      MOST,
    );
    if (!row)
      throw new Problem('too-many-sessions', 409, `You have ${MOST} services open, the most a person may.`, {
        next: 'Close one that is no longer used.',
        meta: { max: String(MOST) },
      });
    await insertService(db, { sessionId: id, label, ...target });
    await audit.record({
      at,
      code: 'service.opened',
      actorId: person.id,
      actor: person.email,
      sessionId: id,
      clusterId: cluster.id,
      ...caller,
      detail: { ...target, role: role.name, cluster: cluster.name, expiresAt: row.hardCapAt },
    });
    return { id, label, cluster };
  }

  /** What that session is for; null where it is for none. */
  async ground(sessionId: string): Promise<ServiceGround | null> {
    const kept = this.#grounds.get(sessionId);
    if (kept) return kept;
    const row = await findService(this.#deps.db, sessionId);
    if (!row) return null;
    const ground = { label: row.label, prefix: proxyPath(row) };
    if (this.#grounds.size >= KEPT) this.#grounds.delete(this.#grounds.keys().next().value!);
    this.#grounds.set(sessionId, ground);
    return ground;
  }
}

function digest(parts: string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}
