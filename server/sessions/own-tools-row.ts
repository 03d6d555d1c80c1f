/** The row of a session of people's own tools, dormant until its first call, and what it stands on. */
import type { NewSession } from '../../db/queries/sessions.ts';
import { type OWN_TOOLS, serviceAccountName } from '../domain/access-session.ts';
import type { Person } from '../domain/person.ts';
import { chooseRole, reachingRoles } from '../domain/role-choice.ts';
import { clusterUnknown } from '../domain/shared-problems.ts';
import type { Caller, ClusterFacts, ClustersPart, RoleLimits } from './parts.ts';

export type OpeningDeps = {
  clusters: ClustersPart;
  roles: { of(person: Pick<Person, 'groups'>): Promise<RoleLimits[]> };
  /** Whether the end of the sign-in that issued it ends what it stands for. */
  endWithSignOut: boolean;
  now: () => Date;
};

/** What a credential names. */
export type CredentialSubject = { userId: string; sessionId: string; clusterId: string; expiresAt: Date };
export type SignedToken = { token: string; id: string; expiresAt: Date };

export type Ground = { cluster: ClusterFacts; role: RoleLimits; at: Date; hardCapAt: Date };

/** Whose session it becomes; `proof`: what they asked with, null where a key of an operator's stands for them. */
export type Opener = Pick<Person, 'id' | 'slug' | 'groups' | 'email'> & { proof: Person['proof'] | null };

/** Throws Problem `cluster-unknown` and those of chooseRole. */
export async function groundOf(
  { clusters, roles, now }: OpeningDeps,
  person: Opener,
  wish: { cluster: string; role?: string | undefined; lifetimeMs: number },
): Promise<Ground> {
  const [cluster, own] = await Promise.all([clusters.find(wish.cluster), roles.of(person)]);
  if (!cluster) throw clusterUnknown(wish.cluster);
  const role = chooseRole(reachingRoles(person.groups, own), cluster.name, wish.role);
  const at = now();
  const wished = new Date(at.getTime() + Math.min(wish.lifetimeMs, role.hardCapMs));
  // What a job was given for minutes makes nothing that lasts for hours.
  const { proof } = person;
  const ends = proof?.kind === 'api-token' && proof.exchanged ? proof.expiresAt : wished;
  return { cluster, role, at, hardCapAt: ends < wished ? ends : wished };
}

export function sleeping(
  { endWithSignOut }: Pick<OpeningDeps, 'endWithSignOut'>,
  { id: userId, slug, proof }: Opener,
  { id, channel, cluster, role, at, hardCapAt }: Ground & { id: string; channel: (typeof OWN_TOOLS)[number] },
  { clientAddress }: Pick<Caller, 'clientAddress'>,
  more: Partial<NewSession> = {},
): NewSession {
  return {
    id,
    userId,
    webSessionId: endWithSignOut && proof?.kind === 'web-session' ? proof.id : null,
    apiTokenId: proof?.kind === 'api-token' ? proof.id : null,
    clusterId: cluster.id,
    role: role.name,
    channel,
    state: 'dormant',
    serviceAccount: serviceAccountName(slug, id),
    clusterRoles: role.clusterRoles,
    namespaces: role.namespaces,
    idleMs: role.idleMs,
    detachedMs: role.detachedMs,
    clientAddress,
    openedAt: at,
    lastInputAt: at,
    hardCapAt,
    cleanupPending: false,
    ...more,
  };
}
