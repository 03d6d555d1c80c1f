/** Signed links: a person's leave to call some paths of a cluster, for whoever holds it, for a time and so many uses. */
import { createHash, randomUUID } from 'node:crypto';
import type { Db } from '../../db/client.ts';
import { findLink, insertLink, type LinkRow, spendLink } from '../../db/queries/links.ts';
import { findLinkKey, type LinkKeyRow } from '../../db/queries/link-keys.ts';
import { insertSession, type NewSession } from '../../db/queries/sessions.ts';
import { findUser, findUsersByEmail, type UserRow } from '../../db/queries/users.ts';
import { readLinkClaims } from '../domain/link-claims.ts';
import type { LinkGrant } from '../domain/link-grant.ts';
import type { Person } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import { clusterUnknown } from '../domain/shared-problems.ts';
import {
  type CredentialSubject,
  groundOf,
  type Opener,
  type OpeningDeps,
  type SignedToken,
  sleeping,
} from './own-tools-row.ts';
import type { AuditPart, Caller, ClusterFacts } from './parts.ts';
import { standing } from './standing.ts';

/** A person's at once. */
const MOST = 100;
/** A service user's, whose keys sign them. */
const MOST_BY_KEYS = 1_000;
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
    const { name, paths, verbs, uses, notBefore, landing } = wish;
    const link = { sessionId: id, name, paths, verbs, landing, notBefore: notBefore ?? at, usesMax: uses };
    await this.#insert(
      sleeping(this.#deps, person, { id, channel: 'link', ...ground }, caller),
      { ...link, recipientId: recipient?.id ?? null, keyId: null, claimsHash: null },
      MOST,
    );
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

  /**
   * The session of a link that an operator's key signed, made at its first use: which one it is, key and `jti` say, so
   * that of several first uses at once one makes it, and what has ended stays so. Where the key is removed meanwhile it does
   * not stand. Throws as groundOf, and Problem `token-invalid`, `link-past-limits`, `too-many-sessions`, `recipient-unknown`.
   */
  async adopt(
    key: LinkKeyRow & { user: UserRow },
    raw: Record<string, unknown>,
    claimsHash: Buffer,
  ): Promise<{ sessionId: string; userId: string; expiresAt: Date }> {
    const { db, clusters, audit, now } = this.#deps;
    const cluster = await clusters.find(key.clusterId);
    if (!cluster) throw clusterUnknown(key.clusterId);
    const claims = readLinkClaims(raw, { ...key, cluster }, now());
    if ('refused' in claims) throw new Problem(claims.refused.code, claims.refused.status, claims.refused.message);
    const { id: jti, name, paths, verbs, notBefore, expiresAt, uses, recipient, landing } = claims;
    const id = sessionIdOf(key.id, jti);
    const made = { sessionId: id, userId: key.userId, expiresAt };
    const opener: Opener = { ...key.user, proof: null };
    if (!(await this.#made(id, claimsHash)) && expiresAt > now()) {
      const lifetimeMs = expiresAt.getTime() - now().getTime();
      const ground = await groundOf(this.#deps, opener, { cluster: cluster.id, role: key.role, lifetimeMs });
      const whose = recipient === null ? null : await recipientOf(db, recipient);
      const by = { clientAddress: '', correlationId: null };
      const link = { sessionId: id, name, paths, verbs, landing, notBefore, usesMax: uses };
      const first = await this.#insert(
        sleeping(this.#deps, opener, { id, channel: 'link', ...ground }, by),
        { ...link, recipientId: whose?.id ?? null, keyId: key.id, claimsHash },
        MOST_BY_KEYS,
      ).then(
        () => true,
        (error: unknown) => {
          if (isTaken(error)) return false;
          throw error;
        },
      );
      const actor = { actorId: key.userId, actor: key.user.email, sessionId: id, clusterId: cluster.id };
      const limits = {
        paths,
        verbs,
        uses,
        notBefore,
        recipient,
        landing,
        role: key.role,
        cluster: cluster.name,
        expiresAt,
      };
      const detail = { name, key: key.name, keyId: key.id, jti, ...limits };
      if (first) await audit.record({ at: now(), code: 'link.issued', ...actor, detail });
      else await this.#made(id, claimsHash);
    }
    return made;
  }

  /** Whether it is there. Throws Problem `token-invalid` where other claims made it: nobody widens what a `jti` stands for. */
  async #made(id: string, claimsHash: Buffer): Promise<boolean> {
    const link = await findLink(this.#deps.db, id);
    if (link && !link.claimsHash?.equals(claimsHash)) throw otherLink();
    return link !== undefined;
  }

  /** Both or none. Throws Problem `too-many-sessions`. */
  async #insert(session: NewSession, link: Omit<LinkRow, 'uses'>, most: number): Promise<void> {
    await this.#deps.db.transaction(async (tx) => {
      if (!(await insertSession(tx, session, most)))
        throw new Problem('too-many-sessions', 409, `You have ${most} links that are valid, the most one may have.`, {
          next: 'Revoke one that is no longer used.',
          meta: { max: String(most) },
        });
      await insertLink(tx, link);
    });
  }

  /** What it opens. Throws Problem `link-refused` where nobody knows. */
  async grant(sessionId: string): Promise<Grant> {
    const kept = this.#grants.get(sessionId);
    if (kept) return kept;
    const row = await findLink(this.#deps.db, sessionId);
    if (!row) throw unknownLink();
    const { paths, verbs, notBefore, usesMax, recipientId, keyId } = row;
    const key = keyId === null ? undefined : await findLinkKey(this.#deps.db, keyId);
    if (keyId !== null && !key) throw unknownLink();
    const within = key ? { paths: key.paths, verbs: key.verbs } : null;
    const grant = { paths, verbs, notBefore, counted: usesMax !== null, personal: recipientId !== null, within };
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

/** A UUID of version 8 (RFC 9562, 5.8): nothing but this key and this `jti` gives it. */
function sessionIdOf(keyId: string, jti: string): string {
  const bytes = createHash('sha256').update(`${keyId}\n${jti}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Postgres' unique_violation: somebody else's first use was quicker. */
function isTaken(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if ((at as { code?: string }).code === '23505') return true;
  return false;
}

function otherLink(): Problem {
  return new Problem('token-invalid', 401, 'This link is not the one that its "jti" stands for.', {
    next: 'Whoever signs links gives each its own "jti".',
  });
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
