/** A row of users, as the person who makes a request. */
import type { UserRow } from '../../db/queries/users.ts';
import type { Person } from '../domain/person.ts';

export async function personFrom(
  user: UserRow,
  proof: Person['proof'],
  roles: { portalOf(person: Pick<Person, 'groups'>): Promise<Person['portal']> },
): Promise<Person> {
  const { id, email, name, slug, groups } = user;
  return { id, email, name, slug, groups, portal: await roles.portalOf(user), proof };
}
