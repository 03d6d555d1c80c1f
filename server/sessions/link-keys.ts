/** Operators' keys for links: registered by administrators for a service user, and removed with every link of theirs. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Db } from '../../db/client.ts';
import {
  countLinkKeys,
  insertLinkKey,
  listLinkKeys,
  removeLinkKey,
  type ListedLinkKey,
} from '../../db/queries/link-keys.ts';
import type { AuditEvent } from '../domain/audit-codes.ts';
import type { Person } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import { chooseRole, reachingRoles } from '../domain/role-choice.ts';
import { clusterUnknown } from '../domain/shared-problems.ts';
import type { AuditPart, ClustersPart, RoleLimits } from './parts.ts';

/** Of an installation. */
const MOST = 500;
const RSA_BITS = 2048;

export type LinkKeysDeps = {
  db: Db;
  clusters: ClustersPart;
  roles: { of(person: Pick<Person, 'groups'>): Promise<RoleLimits[]> };
  /** Its links end, at each replica. */
  announceRemoved(key: string): Promise<void>;
  audit: AuditPart;
  now: () => Date;
};

export type LinkKeyWish = {
  name: string;
  /** SPKI, PEM. */
  publicKey: string;
  cluster: string;
  role?: string | undefined;
  paths: string[];
  verbs: string[];
  longestMs: number;
  /** Null: as often as one likes. */
  uses: number | null;
};

type By = Pick<AuditEvent, 'actorId' | 'actor' | 'clientAddress' | 'correlationId'>;
type Owner = { id: string; name: string; groups: string[] };

export class LinkKeys {
  readonly #deps: LinkKeysDeps;

  constructor(deps: LinkKeysDeps) {
    this.#deps = deps;
  }

  list(userId: string): Promise<ListedLinkKey[]> {
    return listLinkKeys(this.#deps.db, userId);
  }

  /** Throws Problem `link-key-invalid`, `link-key-exists`, `too-many-link-keys`, `cluster-unknown`, those of chooseRole. */
  async add(user: Owner, wish: LinkKeyWish, by: By): Promise<ListedLinkKey> {
    const { db, clusters, roles, audit, now } = this.#deps;
    const { name, paths, verbs, longestMs, uses: usesMax } = wish;
    const { key, algorithm } = readPublicKey(wish.publicKey);
    const [cluster, own] = await Promise.all([clusters.find(wish.cluster), roles.of(user)]);
    if (!cluster) throw clusterUnknown(wish.cluster);
    const role = chooseRole(reachingRoles(user.groups, own), cluster.name, wish.role);
    if ((await countLinkKeys(db)) >= MOST)
      throw new Problem('too-many-link-keys', 409, `There may be ${MOST} keys for links at once.`, {
        next: 'Remove one that is no longer used.',
      });
    const at = now();
    const limits = { clusterId: cluster.id, role: role.name, paths, verbs: [...new Set(verbs)], longestMs, usesMax };
    const row = await insertLinkKey(db, {
      ...limits,
      userId: user.id,
      name,
      algorithm,
      publicKey: key.export({ type: 'spki', format: 'pem' }).toString(),
      createdAt: at,
      createdBy: by.actorId,
    });
    if (!row)
      throw new Problem('link-key-exists', 409, `There is a key ${name} already.`, { next: 'Give another name.' });
    const detail = { id: row.id, user: user.name, name, algorithm, ...limits };
    await audit.record({ at, code: 'link-key.added', ...by, clusterId: cluster.id, detail });
    return { ...row, cluster: { id: cluster.id, name: cluster.name } };
  }

  /** With every link that it signed. Throws Problem `link-key-not-found`. */
  async remove(user: Owner, id: string, by: By): Promise<void> {
    const { db, announceRemoved, audit, now } = this.#deps;
    const row = await removeLinkKey(db, { userId: user.id, id }, now());
    if (!row)
      throw new Problem('link-key-not-found', 404, 'This service user has no such key.', {
        next: 'Look it up in the list of its keys.',
      });
    await announceRemoved(row.id);
    const detail = { id: row.id, user: user.name, name: row.name };
    await audit.record({ at: now(), code: 'link-key.removed', ...by, clusterId: row.clusterId, detail });
  }
}

/** Throws Problem `link-key-invalid`. */
function readPublicKey(pem: string): { key: KeyObject; algorithm: 'ES256' | 'RS256' } {
  if (/PRIVATE KEY|"d"\s*:/.test(pem))
    throw invalid(
      'This is a private key, which only whoever signs may have. It was not kept; take it out of use all the same.',
    );
  const key = parseSpki(pem);
  if (!key) throw invalid('This is no public key in PEM (-----BEGIN PUBLIC KEY-----).');
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return { key, algorithm: 'ES256' };
  if (key.asymmetricKeyType === 'rsa' && modulusLength >= RSA_BITS) return { key, algorithm: 'RS256' };
  throw invalid(`Keys are of P-256 (ES256), or RSA with at least ${RSA_BITS} bits (RS256).`);
}

/** A certificate holds one too, for a time that nobody would look at. Null: it is another thing. */
function parseSpki(pem: string): KeyObject | null {
  if (!/^\s*-----BEGIN PUBLIC KEY-----[\sA-Za-z0-9+/=]+-----END PUBLIC KEY-----\s*$/.test(pem)) return null;
  try {
    return createPublicKey(pem);
  } catch {
    return null;
  }
}

function invalid(message: string): Problem {
  return new Problem('link-key-invalid', 422, message, {
    next: 'Give the public key: openssl pkey -in key.pem -pubout; of a certificate: openssl x509 -in cert.pem -pubkey -noout',
  });
}
