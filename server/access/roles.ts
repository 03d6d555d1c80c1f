/**
 * Roles: what a person may do, by the groups that they are in. Kept in memory until a NOTIFY says that one changed.
 */
import type { Db } from '../../db/client.ts';
import type { Notifications } from '../../db/notifications.ts';
import { deleteRole, listRoles, upsertRole, type NewRole, type RoleRow } from '../../db/queries/roles.ts';
import { claimSetting } from '../../db/queries/settings.ts';
import type { ApiPolicy } from '../domain/api-policy.ts';
import type { Person, PortalRole } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import type { AuditEvent } from '../domain/audit-codes.ts';

export type Role = Omit<RoleRow, 'portal' | keyof ApiPolicy> & ApiPolicy & { portal: PortalRole };

export type RolesDeps = {
  db: Db;
  notifications: Pick<Notifications, 'on' | 'onReset' | 'listening' | 'announce'>;
  audit: { record(event: AuditEvent): Promise<void> };
  now: () => Date;
};

export type Seed = {
  adminGroups: string[];
  developerNamespaces: string[];
  defaults: Pick<NewRole, 'idleMs' | 'detachedMs' | 'hardCapMs' | 'maxSessions'>;
};

export class Roles {
  readonly #deps: RolesDeps;
  #cached: Promise<Role[]> | undefined;

  constructor(deps: RolesDeps) {
    this.#deps = deps;
    const forget = () => (this.#cached = undefined);
    deps.notifications.on('role', forget);
    deps.notifications.onReset(forget);
  }

  /** All, by name. */
  async list(): Promise<Role[]> {
    if (!this.#deps.notifications.listening) return this.#read();
    if (this.#cached) return this.#cached;
    // Kept while it is on its way: a change meanwhile drops it, and who asks after the change reads anew.
    const reading = this.#read();
    this.#cached = reading;
    reading.catch(() => {
      if (this.#cached === reading) this.#cached = undefined;
    });
    return reading;
  }

  async #read(): Promise<Role[]> {
    return (await listRoles(this.#deps.db)) as Role[];
  }

  /** What the role refuses on the Kubernetes path, as it is now; null where there is no such role. */
  async policy(name: string): Promise<ApiPolicy | null> {
    return (await this.list()).find((role) => role.name === name) ?? null;
  }

  /** Those that one of the person's groups has. */
  async of(person: Pick<Person, 'groups'>): Promise<Role[]> {
    const groups = new Set(person.groups);
    return (await this.list()).filter((role) => role.groups.some((group) => groups.has(group)));
  }

  async namesOf(person: Pick<Person, 'groups'>): Promise<string[]> {
    return (await this.of(person)).map((role) => role.name);
  }

  /** The strongest portal right of the person's roles; `member` without any. */
  async portalOf(person: Pick<Person, 'groups'>): Promise<PortalRole> {
    const rights = new Set((await this.of(person)).map((role) => role.portal));
    return rights.has('admin') ? 'admin' : rights.has('auditor') ? 'auditor' : 'member';
  }

  /** Groups that make somebody an administrator. */
  async adminGroups(): Promise<string[]> {
    return (await this.list()).filter((role) => role.portal === 'admin').flatMap((role) => role.groups);
  }

  /** Makes or replaces. Throws Problem `last-admin-role` where nobody could administer the portal any more. */
  async put(role: NewRole, by: Actor): Promise<Role> {
    const before = (await this.#read()).find((other) => other.name === role.name);
    if (before?.portal === 'admin' && (role.portal !== 'admin' || !role.groups?.length))
      await this.#keepAnAdmin(role.name);
    const after = (await upsertRole(this.#deps.db, role, this.#deps.now())) as Role;
    await this.#deps.notifications.announce(this.#deps.db, 'role', role.name);
    await this.#audit(before ? 'role.updated' : 'role.created', by, { role: role.name, before: before ?? null, after });
    return after;
  }

  /** Throws Problem `role-not-found`, `last-admin-role`. */
  async remove(name: string, by: Actor): Promise<void> {
    const before = (await this.#read()).find((other) => other.name === name);
    if (!before)
      throw new Problem('role-not-found', 404, `There is no role "${name}".`, {
        next: 'Choose one of the list of roles.',
      });
    if (before.portal === 'admin') await this.#keepAnAdmin(name);
    await deleteRole(this.#deps.db, name);
    await this.#deps.notifications.announce(this.#deps.db, 'role', name);
    await this.#audit('role.deleted', by, { role: name, before });
  }

  async #keepAnAdmin(without: string): Promise<void> {
    const others = (await this.#read()).filter((role) => role.portal === 'admin' && role.name !== without);
    if (others.some((role) => role.groups.length)) return;
    throw new Problem('last-admin-role', 409, `"${without}" is the only role that administers the portal.`, {
      next: 'Make another role with the portal right admin first.',
    });
  }

  async #audit(code: AuditEvent['code'], by: Actor, detail: Record<string, unknown>): Promise<void> {
    await this.#deps.audit.record({ at: this.#deps.now(), code, ...by, detail });
  }
}

/** Once in an installation's life: a seeded role that was deleted stays deleted (CVE-2019-11202). */
export async function seedRoles(db: Db, seed: Seed, now: Date): Promise<void> {
  await db.transaction(async (tx) => {
    if (!(await claimSetting(tx, 'roles-seeded', now.toISOString()))) return;
    for (const role of seeded(seed)) await upsertRole(tx, role, now);
  });
}

/** Who changes something, as the audit log keeps it. */
export type Actor = Pick<AuditEvent, 'actorId' | 'actor' | 'clientAddress' | 'correlationId'>;

function seeded({ adminGroups, developerNamespaces, defaults }: Seed): NewRole[] {
  return [
    {
      ...defaults,
      name: 'admin',
      description: 'Administers the portal and every cluster.',
      portal: 'admin',
      clusterRoles: ['cluster-admin'],
      namespaces: [],
      groups: adminGroups,
    },
    {
      ...defaults,
      name: 'developer',
      description: 'Works in named namespaces.',
      portal: 'member',
      clusterRoles: ['edit'],
      namespaces: developerNamespaces,
      groups: ['sallyport-developers'],
    },
    {
      ...defaults,
      name: 'auditor',
      description: 'Sees what everybody did; reaches no cluster.',
      portal: 'auditor',
      clusterRoles: [],
      namespaces: [],
      groups: ['sallyport-auditors'],
    },
  ];
}
