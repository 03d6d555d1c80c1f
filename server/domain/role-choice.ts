/** Which role a session acts with. Pure. */
import { Problem } from './problem.ts';

/** As much of a role as decides whether a person may use it on a cluster. */
export type RoleReach = {
  name: string;
  /** Empty: the role reaches no cluster. */
  clusterRoles: string[];
  /** Whoever is in one of them has the role. */
  groups: string[];
};

/** The person's roles that reach clusters, by name. */
export function reachingRoles<R extends RoleReach>(groups: readonly string[], roles: readonly R[]): R[] {
  return roles
    .filter((role) => role.clusterRoles.length > 0 && role.groups.some((group) => groups.includes(group)))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * The role that a session is opened with: the one named, or the only one.
 * Throws Problem `cluster-not-reachable`, `role-not-yours` or `role-ambiguous`.
 */
export function chooseRole<R extends RoleReach>(reaching: readonly R[], cluster: string, wanted?: string): R {
  if (reaching.length === 0)
    throw new Problem('cluster-not-reachable', 403, `None of your roles reaches the cluster "${cluster}".`, {
      next: 'Ask an administrator for a role on it.',
      meta: { cluster },
    });
  if (wanted !== undefined) {
    const found = reaching.find((role) => role.name === wanted);
    if (found) return found;
    throw new Problem('role-not-yours', 403, `You have no role "${wanted}" that reaches the cluster "${cluster}".`, {
      next: `Choose one of yours: ${reaching.map((role) => role.name).join(', ')}.`,
      meta: { cluster, role: wanted },
    });
  }
  if (reaching.length > 1)
    throw new Problem('role-ambiguous', 409, `Several of your roles reach the cluster "${cluster}".`, {
      next: `Say which: ${reaching.map((role) => role.name).join(', ')}.`,
      meta: { cluster, roles: reaching.map((role) => role.name).join(',') },
    });
  return reaching[0]!;
}
