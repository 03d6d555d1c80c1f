/** People, as administrators see them: list, make local ones, change, disable. */
import type { Db } from '../../db/client.ts';
import type { Notifications } from '../../db/notifications.ts';
import { countEnabledInGroups, findUser, listUsers, updateUser, type UserRow } from '../../db/queries/users.ts';
import type { AuditEvent } from '../domain/audit-codes.ts';
import { Problem } from '../domain/problem.ts';
import { createUser } from './accounts.ts';
import { hashPassword } from './password.ts';
import { findOwner } from './service-users.ts';

export type Source = Pick<AuditEvent, 'actorId' | 'actor' | 'clientAddress' | 'correlationId'>;

export type UsersDeps = {
  db: Db;
  notifications: Pick<Notifications, 'announce'>;
  roles: { adminGroups(): Promise<string[]> };
  webSessions: { end(which: { userId: string }): Promise<string[]> };
  apiTokens: { revoke(which: { userId: string } | { createdBy: string }, by: Source): Promise<void> };
  audit: { record(event: AuditEvent): Promise<void> };
  now: () => Date;
};

export type UserChange = { disabled?: boolean; name?: string; groups?: string[]; password?: string; owner?: string };

export class Users {
  readonly #deps: UsersDeps;

  constructor(deps: UsersDeps) {
    this.#deps = deps;
  }

  /** By slug, from after `cursor`. */
  async list(cursor: string | undefined, limit: number): Promise<UserRow[]> {
    return listUsers(this.#deps.db, cursor, limit);
  }

  /** Makes a local user. Throws Problem `user-exists`. */
  async create(
    wish: { email: string; name: string; password: string; groups: string[] },
    by: Source,
  ): Promise<UserRow> {
    const email = wish.email.toLowerCase();
    const user = await createUser(this.#deps.db, {
      provider: 'local',
      issuer: 'local',
      subject: email,
      email,
      name: wish.name,
      groups: [...new Set(wish.groups)].sort(),
      passwordHash: await hashPassword(wish.password),
    });
    if (!user)
      throw new Problem('user-exists', 409, `There is a local user ${email} already.`, {
        next: 'Change that one, or give another address.',
      });
    await this.#record('user.created', user, by, { provider: 'local', groups: user.groups });
    return user;
  }

  /**
   * Changes a user; disabling ends their sign-ins and tokens, those too that they made for service users. Throws Problem
   * `user-not-found`, `not-local` (groups and password are the provider's), `service-user` (a password, or an owner of
   * a person's), `owner-invalid`, `last-admin`.
   */
  async update(id: string, change: UserChange, by: Source): Promise<UserRow> {
    const before = await findUser(this.#deps.db, id);
    if (!before)
      throw new Problem('user-not-found', 404, 'There is no such user.', {
        next: 'Look them up in the list of users.',
      });
    const foreign = change.groups !== undefined || change.password !== undefined || change.name !== undefined;
    const service = before.provider === 'service';
    if (service ? change.password !== undefined : change.owner !== undefined)
      throw new Problem('service-user', 409, 'A service user has an owner and no password; a person has no owner.', {
        next: 'Leave it out.',
      });
    if (change.owner !== undefined) await findOwner(this.#deps.db, change.owner);
    if (before.provider !== 'local' && !service && foreign)
      throw new Problem(
        'not-local',
        409,
        `${before.email} signs in through ${before.provider}: name, groups and password are kept there.`,
        {
          next: 'Change them at the identity provider; they are read at each sign-in.',
        },
      );
    await this.#keepAnAdmin(before, change);
    const after = (await updateUser(this.#deps.db, id, await this.#columns(before, change)))!;
    await this.#deps.notifications.announce(this.#deps.db, 'user', id);
    if (change.disabled === true && !before.disabledAt) {
      await this.#record('user.disabled', after, by);
      await this.#deps.webSessions.end({ userId: id });
      await this.#deps.apiTokens.revoke({ userId: id }, by);
      // They know them still.
      await this.#deps.apiTokens.revoke({ createdBy: id }, by);
    }
    if (change.disabled === false && before.disabledAt) await this.#record('user.enabled', after, by);
    if (foreign || change.owner !== undefined) {
      // A new password is for when the old one is known to others: whoever used it is out.
      if (change.password !== undefined) await this.#deps.webSessions.end({ userId: id });
      const changed = {
        name: change.name,
        groups: change.groups,
        password: change.password !== undefined,
        owner: change.owner,
      };
      await this.#record('user.updated', after, by, changed);
    }
    return after;
  }

  async #columns(before: UserRow, change: UserChange) {
    return {
      ...(change.name === undefined ? {} : { name: change.name }),
      ...(change.groups === undefined ? {} : { groups: [...new Set(change.groups)].sort() }),
      ...(change.password === undefined ? {} : { passwordHash: await hashPassword(change.password) }),
      ...(change.owner === undefined ? {} : { ownerId: change.owner }),
      ...(change.disabled === undefined
        ? {}
        : { disabledAt: change.disabled ? (before.disabledAt ?? this.#deps.now()) : null }),
      // drizzle refuses an empty change
      email: before.email,
    };
  }

  /** An installation that nobody administers is locked out: the last administrator stays one. */
  async #keepAnAdmin(before: UserRow, change: UserChange): Promise<void> {
    const admin = new Set(await this.#deps.roles.adminGroups());
    const isAdmin = (groups: string[]) => groups.some((group) => admin.has(group));
    const loses = change.disabled === true || (change.groups !== undefined && !isAdmin(change.groups));
    if (!loses || before.disabledAt || !isAdmin(before.groups) || before.provider === 'service') return;
    if ((await countEnabledInGroups(this.#deps.db, [...admin])) > 1) return;
    throw new Problem('last-admin', 409, `${before.email} is the only administrator.`, {
      next: 'Make somebody else an administrator first.',
    });
  }

  async #record(code: AuditEvent['code'], user: UserRow, by: Source, detail: object = {}): Promise<void> {
    await this.#deps.audit.record({
      at: this.#deps.now(),
      code,
      ...by,
      detail: { id: user.id, email: user.email, ...detail },
    });
  }
}
