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
  const terminal = session.channel === 'terminal';
  const what = terminal ? 'shell' : session.channel;
  return (
    <Confirm
      open={open}
      onClose={onClose}
      title={terminal ? 'End this session?' : `Revoke this ${what}?`}
      action={terminal ? 'End session' : 'Revoke'}
      act={async () => keep(await api.endSession(session.id))}
    >
      <p>
        {own ? 'Your' : `${session.user.name}’s`} {what} on <strong>{session.cluster.name}</strong>{' '}
        {terminal
          ? 'and everything running in it stops, its files are gone,'
          : 'is refused from the next call on, what runs now ends,'}{' '}
        and its account on the cluster is removed. What happened stays recorded.
      </p>
    </Confirm>
  );
}
