/** Local users: the first administrator, and installations without an identity provider. */
import type { Db } from '../../db/client.ts';
import { findUserByIdentity, updateUser, type UserRow } from '../../db/queries/users.ts';
import { userDisabled } from '../domain/shared-problems.ts';
import { hashPassword, isOutdated, verifyPassword } from './password.ts';

/**
 * The user whose password this is; undefined for a wrong one and for an unknown user, after the same time. Throws
 * Problem `user-disabled` to who knows the password, `sign-in-busy`.
 */
export async function checkLocalPassword(
  db: Db,
  { email, password }: { email: string; password: string },
  now: Date,
): Promise<UserRow | undefined> {
  const user = await findUserByIdentity(db, 'local', email);
  if (!(await verifyPassword(password, user?.passwordHash ?? null)) || !user) return undefined;
  if (user.disabledAt) throw userDisabled();
  const passwordHash = isOutdated(user.passwordHash!) ? await hashPassword(password) : user.passwordHash;
  return updateUser(db, user.id, { passwordHash, lastSignInAt: now });
}
