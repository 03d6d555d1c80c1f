'use client';
import type { Session } from '../../server/http/schemas.ts';
import { api } from '../lib/api.ts';
import { Confirm } from '../ui/confirm.tsx';
import { useKeepSession } from './use-session.ts';

/** Asks before a session is ended, and says what goes with it. */
export function EndSession({
  session,
  own,
  open,
  onClose,
}: {
  session: Session;
  own: boolean;
  open: boolean;
  onClose: () => void;
}) {
  const keep = useKeepSession();
  return (
    <Confirm
      open={open}
      onClose={onClose}
      title="End this session?"
      action="End session"
      act={async () => keep(await api.endSession(session.id))}
    >
      <p>
        {own ? 'Your' : `${session.user.name}’s`} shell on <strong>{session.cluster.name}</strong> and everything
        running in it stops, its files are gone, and its account on the cluster is removed. What happened stays
        recorded.
      </p>
    </Confirm>
  );
}
