/** From a proof of identity to the person it proves: made at the first sign-in, refreshed at each. */
import type { Db } from '../../db/client.ts';
import type { Notifications } from '../../db/notifications.ts';
import { findUserByIdentity, insertUser, slugsLike, updateUser, type UserRow } from '../../db/queries/users.ts';
import type { AuditEvent } from '../domain/audit-codes.ts';
import { printable, storable } from '../domain/printable.ts';
import { Problem } from '../domain/problem.ts';
import { userDisabled } from '../domain/shared-problems.ts';
import { freeSlug, slugFrom } from '../domain/slug.ts';

/** What a provider proved. (issuer, subject) is who somebody is; the rest is what they are called today. */
export type Identity = {
  provider: 'local' | 'oidc' | 'github';
  issuer: string;
  subject: string;
  email: string;
  name: string;
  groups: string[];
};

export type AccountsDeps = {
  db: Db;
  notifications: Pick<Notifications, 'announce'>;
  audit: { record(event: AuditEvent): Promise<void> };
  now: () => Date;
};

/** Groups that a provider may name; past it something is wrong with the provider, or somebody plays. */
const MOST_GROUPS = 1_000;

/**
 * The person's row, with name, email and groups as the provider has them now. Throws Problem `user-disabled`,
 * `identity-too-large`.
 */
export async function settleAccount(
  deps: AccountsDeps,
  identity: Identity,
  source: Pick<AuditEvent, 'clientAddress' | 'correlationId'>,
): Promise<UserRow> {
  const { db, audit, now } = deps;
  const groups = [...new Set(identity.groups.map(storable))].sort();
  if (groups.length > MOST_GROUPS || groups.some((group) => group.length > 253))
    throw new Problem('identity-too-large', 403, `Your identity provider names too many or too long groups for you.`, {
      next: 'Ask an administrator to narrow the groups that the provider sends.',
    });
  const facts = {
    email: printable(identity.email).slice(0, 254),
    name: printable(identity.name).slice(0, 200),
    groups,
  };
  const found = await findUserByIdentity(db, identity.issuer, identity.subject);
  if (found) return refresh(deps, found, facts);
  const { provider, issuer, subject } = identity;
  const created = await createUser(db, { provider, issuer, subject, ...facts });
  // Somebody else made the same person meanwhile: two sign-ins at once.
  if (!created) return settleAccount(deps, identity, source);
  await audit.record({
    at: now(),
    code: 'user.created',
    actorId: created.id,
    actor: created.email,
    ...source,
    detail: { id: created.id, provider, issuer, email: created.email, groups },
  });
  return (await updateUser(db, created.id, { lastSignInAt: now() }))!;
}

async function refresh(
  { db, notifications, now }: AccountsDeps,
  user: UserRow,
  facts: Pick<UserRow, 'email' | 'name' | 'groups'>,
): Promise<UserRow> {
  if (user.disabledAt) throw userDisabled();
  const updated = (await updateUser(db, user.id, { ...facts, lastSignInAt: now() }))!;
  // Other sign-ins of the same person go by the new groups at once.
  await notifications.announce(db, 'user', user.id);
  return updated;
}

/** Inserts with a slug that nobody has. Undefined where the identity is taken. */
export async function createUser(
  db: Db,
  user: Pick<UserRow, 'provider' | 'issuer' | 'subject' | 'email' | 'name' | 'groups'> & {
    passwordHash?: string;
    ownerId?: string;
  },
): Promise<UserRow | undefined> {
  const base = slugFrom(user.email || user.name);
  for (;;) {
    const slug = freeSlug(base, new Set(await slugsLike(db, base.slice(0, 30))));
    const created = await insertUser(db, { ...user, slug });
    if (created) return created;
    if (await findUserByIdentity(db, user.issuer, user.subject)) return undefined;
    // The slug was taken between the look and the insert: look again.
  }
}
