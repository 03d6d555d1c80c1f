/** The row of a session that is being opened: what its role allows it, as of now. */
import type { Db } from '../../db/client.ts';
import { insertSession, type SessionWithNames } from '../../db/queries/sessions.ts';
import { serviceAccountName } from '../domain/access-session.ts';
import type { Person } from '../domain/person.ts';
import type { ClusterFacts, RoleLimits } from './parts.ts';
import { tooMany } from './problems.ts';

export type NewRow = {
  id: string;
  person: Person;
  cluster: ClusterFacts;
  role: RoleLimits;
  clientAddress: string;
  /** Known already where the sandbox is a warm one. */
  container: string | null;
  /** The session host's secret, sealed. */
  hostSecret: Buffer;
};

/** Throws Problem `too-many-sessions`. */
export async function insertRow(
  deps: { db: Db; replica: string; now: () => Date },
  { id, person, cluster, role, clientAddress, container, hostSecret }: NewRow,
): Promise<SessionWithNames> {
  const now = deps.now();
  const row = await insertSession(
    deps.db,
    {
      id,
      userId: person.id,
      webSessionId: person.proof.kind === 'web-session' ? person.proof.id : null,
      clusterId: cluster.id,
      role: role.name,
      channel: 'terminal',
      state: 'opening',
      serviceAccount: serviceAccountName(person.slug, id),
      clusterRoles: role.clusterRoles,
      namespaces: role.namespaces,
      idleMs: role.idleMs,
      detachedMs: role.detachedMs,
      container,
      hostSecret,
      replica: deps.replica,
      generation: 1,
      clientAddress,
      openedAt: now,
      lastInputAt: now,
      // Nobody is attached before the first page comes.
      detachedAt: now,
      hardCapAt: new Date(now.getTime() + role.hardCapMs),
    },
    role.maxSessions,
  );
  if (!row) throw tooMany(role.maxSessions);
  return {
    ...row,
    user: { id: person.id, name: person.name, email: person.email },
    cluster: { id: cluster.id, name: cluster.name, production: cluster.production, namespace: cluster.namespace },
  };
}
