/** Issues a kubeconfig's credential: its access session, dormant until its first call, and the token that names it. */
import { randomUUID } from 'node:crypto';
import type { Db } from '../../db/client.ts';
import { insertSession } from '../../db/queries/sessions.ts';
import type { Person } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import { type CredentialSubject, groundOf, type OpeningDeps, type SignedToken, sleeping } from './own-tools-row.ts';
import type { AuditPart, Caller, ClusterFacts } from './parts.ts';

/** A person's at once, over all clusters; each is a credential that may be lying about. */
const MOST = 50;

export type IssueDeps = OpeningDeps & {
  db: Db;
  /** Signs a token that ends at `expiresAt`. */
  sign(subject: CredentialSubject): Promise<SignedToken>;
  /** Makes a client certificate (PEM), with its key, that ends at `expiresAt`. */
  certify(subject: CredentialSubject & { email: string }): Promise<{
    certificate: string;
    key: string;
    serial: string;
    expiresAt: Date;
  }>;
  audit: AuditPart;
};

export type IssuedCredential = {
  sessionId: string;
  cluster: ClusterFacts;
  role: string;
  /** The role's first, or `default`. */
  namespace: string;
  credential: { kind: 'token'; token: string } | { kind: 'certificate'; certificate: string; key: string };
  expiresAt: Date;
};

export type KubeconfigWish = {
  /** Name or id. */
  cluster: string;
  /** Needed where several of the person's roles reach it. */
  role?: string | undefined;
  /** Cut to what the role allows. */
  lifetimeMs: number;
  /** For tools that know certificates only. */
  kind: 'token' | 'certificate';
};

/**
 * A credential for one cluster, and the session behind it, dormant until the first call. `lifetimeMs` is cut to what
 * the role allows. Throws Problem `cluster-unknown`, those of chooseRole, `too-many-sessions`.
 */
export async function issueKubeconfig(
  deps: IssueDeps,
  person: Person,
  wish: KubeconfigWish,
  caller: Caller,
): Promise<IssuedCredential> {
  const { db, audit } = deps;
  const { cluster, role, at, hardCapAt } = await groundOf(deps, person, wish);
  const id = randomUUID();
  const subject = { userId: person.id, sessionId: id, clusterId: cluster.id, expiresAt: hardCapAt };
  // Before its row: a certificate whose serial number nobody knows opens nothing.
  const made =
    wish.kind === 'token' ? await deps.sign(subject) : await deps.certify({ ...subject, email: person.email });
  const row = await insertSession(
    db,
    sleeping(deps, person, { id, channel: 'kubeconfig', cluster, role, at, hardCapAt }, caller, {
      certificateSerial: 'serial' in made ? made.serial : null,
    }),
    MOST,
  );
  if (!row)
    throw new Problem('too-many-sessions', 409, `You have ${MOST} kubeconfigs that are valid, the most a person may.`, {
      next: 'Revoke one that is no longer used.',
      meta: { max: String(MOST) },
    });
  await audit.record({
    at,
    code: 'kubeconfig.issued',
    actorId: person.id,
    actor: person.email,
    sessionId: id,
    clusterId: cluster.id,
    ...caller,
    detail: {
      credential: 'serial' in made ? made.serial : made.id,
      kind: wish.kind,
      role: role.name,
      cluster: cluster.name,
      expiresAt: made.expiresAt,
    },
  });
  const namespace = role.namespaces[0] ?? 'default';
  const credential: IssuedCredential['credential'] =
    'serial' in made
      ? { kind: 'certificate', certificate: made.certificate, key: made.key }
      : { kind: 'token', token: made.token };
  return { sessionId: id, cluster, role: role.name, namespace, credential, expiresAt: made.expiresAt };
}
