/** Signed links: a person's leave to call some paths of a cluster, for whoever holds it, for a time and so many uses. */
import { randomUUID } from 'node:crypto';
import type { Db } from '../../db/client.ts';
import { findLink, insertLink, type LinkRow, spendLink } from '../../db/queries/links.ts';
import { insertSession } from '../../db/queries/sessions.ts';
import { findUser, findUsersByEmail } from '../../db/queries/users.ts';
import type { LinkGrant } from '../domain/link-grant.ts';
import type { Person } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import { type CredentialSubject, groundOf, type OpeningDeps, type SignedToken, sleeping } from './own-tools-row.ts';
import type { AuditPart, Caller, ClusterFacts } from './parts.ts';
import { standing } from './standing.ts';

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
  /** Email of the only person who may use it; null: whoever holds it. */
  recipient: string | null;
  /** A path at the link's origin, where a browser goes. */
  landing: string;
};

/** What a link is, for whom it is shown to. */
export type LinkView = Pick<LinkRow, 'name' | 'paths' | 'verbs' | 'notBefore' | 'landing'> & {
  maker: string;
  cluster: string;
  expiresAt: Date;
  /** Null: as often as one likes. */
  usesLeft: number | null;
  recipient: { id: string; email: string } | null;
};

export type IssuedLink = { id: string; cluster: ClusterFacts; token: string; expiresAt: Date };

type Grant = LinkGrant & { counted: boolean };

export class Links {
  readonly #deps: LinksDeps;
  readonly #grants = new Map<string, Grant>();

  constructor(deps: LinksDeps) {
    this.#deps = deps;
  }

  /**
   * The link's session is dormant until the first call, and never more than its maker: in their role, ended with it.
   * Throws as groundOf, and Problem `too-many-sessions` and `recipient-unknown`.
   */
  async issue(person: Person, wish: LinkWish, caller: Caller): Promise<IssuedLink> {
    const { db, audit } = this.#deps;
    const ground = await groundOf(this.#deps, person, wish);
    const recipient = wish.recipient === null ? null : await recipientOf(db, wish.recipient);
    const { cluster, role, at, hardCapAt } = ground;
    const id = randomUUID();
    const row = await insertSession(db, sleeping(this.#deps, person, { id, channel: 'link', ...ground }, caller), MOST);
    if (!row)
      throw new Problem('too-many-sessions', 409, `You have ${MOST} links that are valid, the most a person may.`, {
        next: 'Revoke one that is no longer used.',
        meta: { max: String(MOST) },
      });
    const { name, paths, verbs, uses, notBefore, landing } = wish;
    await insertLink(db, {
      sessionId: id,
      name,
      paths,
      verbs,
      notBefore: notBefore ?? at,
      usesMax: uses,
      recipientId: recipient?.id ?? null,
      landing,
    });
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
        recipient: recipient?.email ?? null,
        landing,
        role: role.name,
        cluster: cluster.name,
        expiresAt: signed.expiresAt,
      },
    });
    return { id, cluster, token: signed.token, expiresAt: signed.expiresAt };
  }

  /** What it opens. Throws Problem `link-refused` where nobody knows. */
  async grant(sessionId: string): Promise<Grant> {
    const kept = this.#grants.get(sessionId);
    if (kept) return kept;
    const row = await findLink(this.#deps.db, sessionId);
    if (!row) throw unknownLink();
    const { paths, verbs, notBefore, usesMax, recipientId } = row;
    const grant = { paths, verbs, notBefore, counted: usesMax !== null, personal: recipientId !== null };
    if (this.#grants.size >= KEPT) this.#grants.delete(this.#grants.keys().next().value!);
    this.#grants.set(sessionId, grant);
    return grant;
  }

  /** What a link that stands opens. Throws Problem `credential-revoked`, and `link-refused` where it is none. */
  async view(sessionId: string): Promise<LinkView> {
    const { db, now } = this.#deps;
    const [row, { user, cluster, hardCapAt }] = await Promise.all([
      findLink(db, sessionId),
      standing(db, sessionId, now()),
    ]);
    if (!row) throw unknownLink();
    const { name, paths, verbs, notBefore, landing, uses, usesMax, recipientId } = row;
    const person = recipientId === null ? undefined : await findUser(db, recipientId);
    return {
      name,
      paths,
      verbs,
      notBefore,
      landing,
      maker: user.email,
      cluster: cluster.name,
      expiresAt: hardCapAt,
      usesLeft: usesMax === null ? null : Math.max(0, usesMax - uses),
      recipient: person ? { id: person.id, email: person.email } : null,
    };
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

function unknownLink(): Problem {
  return new Problem('link-refused', 403, 'Nothing is known of what this link opens.', {
    next: 'Ask whoever gave it to you for another.',
  });
}

/** Throws Problem `recipient-unknown`: an email alone is nobody, a person of the portal is. */
async function recipientOf(db: Db, email: string): Promise<{ id: string; email: string }> {
  const found = await findUsersByEmail(db, email);
  const [one] = found;
  if (!one || found.length > 1)
    throw new Problem(
      'recipient-unknown',
      404,
      one ? `Several people here have the email ${email}.` : `Nobody here has the email ${email}.`,
      { next: 'Name somebody who has signed in to the portal once.' },
    );
  return one;
}
