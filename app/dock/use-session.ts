'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import type { Session } from '../../server/http/schemas.ts';
import { queries } from '../lib/queries.ts';

/** The socket tells of changes; this is for what it cannot (a lost connection, a clock moved by another page). */
const REFRESH_MS = 15_000;
/** States that last a moment: their end is waited for, and the socket may be closed by then. */
const PASSING_MS = 500;

function refreshAfter(session: Session | undefined): number | false {
  switch (session?.state) {
    case 'ended':
      return false;
    case 'opening':
    case 'ending':
      return PASSING_MS;
    default:
      return REFRESH_MS;
  }
}

/** A session of the dock, kept current by its socket and, behind that, by asking. */
export function useSession(id: string | null) {
  return useQuery({
    ...queries.session(id ?? ''),
    enabled: id !== null,
    refetchInterval: ({ state }) => refreshAfter(state.data),
  });
}

/** Puts what a socket or an action said about a session where every part of the page sees it. */
export function useKeepSession(): (session: Session) => void {
  const client = useQueryClient();
  return useCallback(
    (session) => {
      client.setQueryData(queries.session(session.id).queryKey, session);
      void client.invalidateQueries({ queryKey: ['sessions'] });
    },
    [client],
  );
}
