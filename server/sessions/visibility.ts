/** Which sessions a person sees: their own; administrators and auditors all. What one may not see does not exist. */
import type { Db } from '../../db/client.ts';
import { sessionUnknown } from '../domain/shared-problems.ts';
import { findSession, listSessions, type SessionFilter, type SessionWithNames } from '../../db/queries/sessions.ts';
import type { Person } from '../domain/person.ts';
import { notYours } from './problems.ts';

/** Throws Problem `session-not-found`. */
export async function visibleRow(db: Db, id: string, person: Person): Promise<SessionWithNames> {
  const row = await findSession(db, id);
  if (!row || (row.userId !== person.id && person.portal === 'member')) throw sessionUnknown();
  return row;
}

/** Newest first; `next` continues after the page. Throws Problem `not-yours` where another's are asked for. */
export async function visibleRows(
  db: Db,
  person: Person,
  filter: SessionFilter,
): Promise<{ items: SessionWithNames[]; next: { openedAt: Date; id: string } | null }> {
  const userId = person.portal === 'member' ? person.id : filter.userId;
  if (filter.userId !== undefined && filter.userId !== userId) throw notYours();
  const { userId: _asked, ...rest } = filter;
  const found = await listSessions(db, {
    ...rest,
    ...(userId === undefined ? {} : { userId }),
    limit: filter.limit + 1,
  });
  const items = found.slice(0, filter.limit);
  const last = items.at(-1);
  const more = found.length > filter.limit && last;
  return { items, next: more ? { openedAt: last.openedAt, id: last.id } : null };
}
