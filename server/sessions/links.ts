/** Signed links: a person's leave to call some paths of a cluster, for whoever holds it, for a time and so many uses. */
import { randomUUID } from 'node:crypto';
import type { Db } from '../../db/client.ts';
import { findLink, insertLink, spendLink } from '../../db/queries/links.ts';
import { insertSession } from '../../db/queries/sessions.ts';
import type { LinkGrant } from '../domain/link-grant.ts';
import type { Person } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import { type CredentialSubject, groundOf, type OpeningDeps, type SignedToken, sleeping } from './own-tools-row.ts';
import type { AuditPart, Caller, ClusterFacts } from './parts.ts';

/** A person's at once. */
const MOST = 100;
/** Grants kept at hand: what a link opens never changes. */
const KEPT = 10_000;

export type LinksDeps = OpeningDeps & {
  db: Db;
  sign(subject: CredentialSubject): Promise<SignedToken>;
  audit: AuditPart;
};

export type LinkWish = {
  name: string;
  cluster: string;
  role?: string | undefined;
  paths: string[];
  verbs: string[];
  notBefore: Date | null;
  lifetimeMs: number;
  /** Null: as often as one likes. */
  uses: number | null;
};

export type IssuedLink = { id: string; cluster: ClusterFacts; token: string; expiresAt: Date };

export class Links {
  readonly #deps: LinksDeps;
  readonly #grants = new Map<string, LinkGrant & { counted: boolean }>();

  constructor(deps: LinksDeps) {
    this.#deps = deps;
  }

  /**
   * The link's session is dormant until the first call, and never more than its maker: in their role, ended with it.
   * Throws as groundOf, and Problem `too-many-sessions`.
   */
  async issue(person: Person, wish: LinkWish, caller: Caller): Promise<IssuedLink> {
    const { db, audit } = this.#deps;
    const ground = await groundOf(this.#deps, person, wish);
    const { cluster, role, at, hardCapAt } = ground;
    const id = randomUUID();
    const row = await insertSession(db, sleeping(this.#deps, person, { id, channel: 'link', ...ground }, caller), MOST);
    if (!row)
      throw new Problem('too-many-sessions', 409, `You have ${MOST} links that are valid, the most a person may.`, {
        next: 'Revoke one that is no longer used.',
        meta: { max: String(MOST) },
      });
    const { name, paths, verbs, uses, notBefore } = wish;
    await insertLink(db, { sessionId: id, name, paths, verbs, notBefore: notBefore ?? at, usesMax: uses });
    const signed = await this.#deps.sign({
      userId: person.id,
      sessionId: id,
      clusterId: cluster.id,
      expiresAt: hardCapAt,
    });
    await audit.record({
      at,
      code: 'link.issued',
      actorId: person.id,
      actor: person.email,
      sessionId: id,
      clusterId: cluster.id,
      ...caller,
      detail: {
        name,
        paths,
        verbs,
        uses,
        notBefore,
        role: role.name,
        cluster: cluster.name,
        expiresAt: signed.expiresAt,
      },
    });
    return { id, cluster, token: signed.token, expiresAt: signed.expiresAt };
  }

  /** What it opens. Throws Problem `link-refused` where nobody knows. */
  async grant(sessionId: string): Promise<LinkGrant & { counted: boolean }> {
    const kept = this.#grants.get(sessionId);
    if (kept) return kept;
    const row = await findLink(this.#deps.db, sessionId);
    if (!row)
      throw new Problem('link-refused', 403, 'Nothing is known of what this link opens.', {
        next: 'Ask whoever gave it to you for another.',
      });
    const grant = { paths: row.paths, verbs: row.verbs, notBefore: row.notBefore, counted: row.usesMax !== null };
    if (this.#grants.size >= KEPT) this.#grants.delete(this.#grants.keys().next().value!);
    this.#grants.set(sessionId, grant);
    return grant;
  }

  /** Counts a use, over all replicas; of one that may be used for ever nothing is counted. Throws `link-used-up`. */
  async spend(sessionId: string): Promise<void> {
    if (!(await this.grant(sessionId)).counted) return;
    if (await spendLink(this.#deps.db, sessionId)) return;
    throw new Problem('link-used-up', 403, 'This link has been used as often as it may be.', {
      next: 'Ask whoever gave it to you for another.',
    });
  }
}
