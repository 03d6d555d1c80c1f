/**
 * Service users: what programs are, with groups as people have them, no password and no sign-in, and a person who
 * answers for each. Administrators make them; who may have their tokens are administrators and the owner.
 */
import type { Db } from '../../db/client.ts';
import { findUser, listOwnedUsers, namesOfUsers, type UserRow } from '../../db/queries/users.ts';
import type { ApiTokenRow } from '../../db/queries/api-tokens.ts';
import type { AuditEvent } from '../domain/audit-codes.ts';
import type { Person, Scope } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import { createUser } from './accounts.ts';
import type { ApiTokens, Source } from './api-tokens.ts';

/** Of one person, in their list. */
const MOST_OWNED = 200;

export type ServiceUsersDeps = {
  db: Db;
  apiTokens: Pick<ApiTokens, 'create' | 'list' | 'revoke'>;
  audit: { record(event: AuditEvent): Promise<void> };
  now: () => Date;
};

export class ServiceUsers {
  readonly #deps: ServiceUsersDeps;

  constructor(deps: ServiceUsersDeps) {
    this.#deps = deps;
  }

  /** @param name a DNS label. Throws Problem `user-exists`, `owner-invalid`. */
  async create(wish: { name: string; groups: string[]; owner: string }, by: Source): Promise<UserRow> {
    const { db, audit, now } = this.#deps;
    const owner = await findOwner(db, wish.owner);
    const email = `service:${wish.name}`;
    const groups = [...new Set(wish.groups)].sort();
    const user = await createUser(db, {
      provider: 'service',
      issuer: 'service',
      subject: wish.name,
      // No address: what its calls are known by, here and, where people are impersonated, on the cluster.
      email,
      name: wish.name,
      groups,
      ownerId: owner.id,
    });
    if (!user)
      throw new Problem('user-exists', 409, `There is a service user ${wish.name} already.`, {
        next: 'Change that one, or give another name.',
      });
    const detail = { id: user.id, provider: 'service', email, groups, owner: owner.email };
    await audit.record({ at: now(), code: 'user.created', ...by, detail });
    return user;
  }

  /** Those that a person answers for. */
  owned(person: Person): Promise<UserRow[]> {
    return listOwnedUsers(this.#deps.db, person.id, MOST_OWNED);
  }

  ownersOf(users: UserRow[]): Promise<Pick<UserRow, 'id' | 'name' | 'email'>[]> {
    return namesOfUsers(this.#deps.db, [...new Set(users.flatMap(({ ownerId }) => ownerId ?? []))]);
  }

  /** One that this person administers or answers for. Throws Problem `user-not-found` for any other. */
  async reach(id: string, person: Person): Promise<UserRow> {
    const user = await findUser(this.#deps.db, id);
    const theirs = person.portal === 'admin' || user?.ownerId === person.id;
    if (user?.provider === 'service' && theirs) return user;
    throw new Problem('user-not-found', 404, 'There is no such service user, or none that you may see.', {
      next: 'Look it up in the list of users, or of those that you own.',
    });
  }

  /** Throws as {@link reach}. */
  async tokens(id: string, person: Person): Promise<ApiTokenRow[]> {
    return this.#deps.apiTokens.list((await this.reach(id, person)).id);
  }

  /** Throws as {@link reach}, and Problem `too-many-tokens`, `user-disabled`, `forbidden`. */
  async createToken(
    id: string,
    wish: { name: string; scopes: Scope[]; days: number },
    person: Person,
    by: Source,
  ): Promise<{ row: ApiTokenRow; token: string }> {
    const user = await this.reach(id, person);
    if (user.disabledAt)
      throw new Problem('user-disabled', 403, 'This service user is disabled.', { next: 'Enable it first.' });
    // Whoever answers for a program does not become an administrator by its groups.
    if (wish.scopes.includes('admin') && person.portal !== 'admin')
      throw new Problem('forbidden', 403, 'A token with the scope "admin" is made by an administrator.', {
        next: 'Leave the scope out, or ask an administrator.',
      });
    return this.#deps.apiTokens.create(user.id, { ...wish, createdBy: person.id }, by);
  }

  /** Throws as {@link reach}, and Problem `token-not-found`. */
  async revokeToken(id: string, token: string, person: Person, by: Source): Promise<void> {
    const user = await this.reach(id, person);
    await this.#deps.apiTokens.revoke({ userId: user.id, id: token }, by);
  }
}

/** A person who can answer for a program. Throws Problem `owner-invalid`. */
export async function findOwner(db: Db, id: string): Promise<UserRow> {
  const owner = await findUser(db, id);
  if (owner && owner.provider !== 'service' && !owner.disabledAt) return owner;
  throw new Problem('owner-invalid', 409, 'The owner of a service user is a person who is not disabled.', {
    next: 'Choose one of the list of users.',
  });
}
