'use client';
import { useState } from 'react';
import type { Session } from '../../server/http/schemas.ts';
import { api } from '../lib/api.ts';
import { Button } from '../ui/button.tsx';
import { toastFailure } from '../ui/toast.tsx';
import { extendable } from './end-reason.ts';
import { useKeepSession } from './use-session.ts';

/** Puts a session's end off; nothing where nothing can. */
export function ExtendButton({ session, size, onExtended }: { session: Session; size?: 'sm'; onExtended: () => void }) {
  const keep = useKeepSession();
  const [busy, setBusy] = useState(false);
  if (!extendable(session)) return null;
  const extend = async () => {
    setBusy(true);
    try {
      keep(await api.extendSession(session.id));
      onExtended();
    } catch (error) {
      toastFailure(error);
    }
    setBusy(false);
  };
  return (
    <Button {...(size ? { size } : {})} className="text-text" busy={busy} onClick={() => void extend()}>
      Extend
    </Button>
  );
}
