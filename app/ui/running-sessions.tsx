'use client';
import { useQuery } from '@tanstack/react-query';
import type { Session } from '../../server/http/schemas.ts';
import { api, type SessionFilter } from '../lib/api.ts';

/** How many sessions an action ends, said before it is done; `which` narrows what the portal's filter cannot. */
export function RunningSessions({ filter, which }: { filter: SessionFilter; which?: (session: Session) => boolean }) {
  const running = useQuery({
    queryKey: ['sessions', 'running', filter],
    queryFn: ({ signal }) => api.sessions({ ...filter, state: 'active' }, signal),
  });
  if (!running.data) return null;
  const count = running.data.items.filter((session) => which?.(session) ?? true).length;
  return <p className="font-medium">{sentence(count, running.data.next !== null)}</p>;
}

function sentence(count: number, more: boolean): string {
  if (count === 0 && !more) return 'No running session is touched by it.';
  if (count === 1 && !more) return '1 running session ends.';
  return `${more ? 'At least ' : ''}${count} running sessions end.`;
}
