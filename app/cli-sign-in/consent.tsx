'use client';
import { useQuery } from '@tanstack/react-query';
import { ShieldQuestion } from 'lucide-react';
import { useState } from 'react';
import type { CliRequest } from '../../server/http/schemas.ts';
import { queries } from '../lib/queries.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/glyph.tsx';
import { Fact, Facts } from '../ui/layout.tsx';
import { ProblemPanel } from '../ui/problem.tsx';
import { Time } from '../ui/time.tsx';

const may: Record<CliRequest['scopes'][number], string> = {
  read: 'see what you see in the portal',
  sessions: 'work on your clusters with your roles: by kubeconfigs, and by sessions that it opens and ends',
};

/** Who asks, what it would get, and the two answers. Nothing is decided by looking. */
export function Consent({
  request,
  decide,
}: {
  request: CliRequest;
  /** Throws what is shown here. */
  decide: (decision: 'approve' | 'deny') => Promise<void>;
}) {
  const me = useQuery(queries.me());
  const [busy, setBusy] = useState<'approve' | 'deny' | null>(null);
  const [error, setError] = useState<unknown>(null);
  const answer = async (decision: 'approve' | 'deny') => {
    setBusy(decision);
    setError(null);
    try {
      await decide(decision);
    } catch (failure) {
      setError(failure);
      setBusy(null);
    }
  };
  return (
    <section className="card max-w-[640px] p-5" aria-labelledby="consent">
      <h2 id="consent" className="mb-4 wrap-anywhere">
        Allow the CLI on “{request.device}” to act as you?
      </h2>
      <Facts>
        <Fact name="Asks">{request.client}</Fact>
        <Fact name="On">
          <strong className="wrap-anywhere">{request.device}</strong>
          <span className="text-muted">, as it calls itself</span>
        </Fact>
        <Fact name="From">{request.address ?? 'this machine: the answer goes to its own address alone'}</Fact>
        {request.askedAt ? (
          <Fact name="Asked">
            <Time at={request.askedAt} />
          </Fact>
        ) : null}
        {me.data ? (
          <Fact name="Acts as">
            {me.data.name} ({me.data.email})
          </Fact>
        ) : null}
        <Fact name="May">
          <ul className="list-disc pl-4">
            {request.scopes.map((scope) => (
              <li key={scope}>{may[scope]}</li>
            ))}
          </ul>
        </Fact>
        <Fact name="For">{request.hours} hours, or until you revoke it on your account page</Fact>
      </Facts>
      <p className="mt-5 flex items-start gap-2.5 rounded-lg border border-warn/40 bg-warn-soft p-3">
        <Icon of={ShieldQuestion} className="mt-0.5 shrink-0 text-warn" />
        <span>
          <strong>Only go on if you started this yourself.</strong> Whoever sent you here, by mail, chat or telephone,
          would act as you.
        </span>
      </p>
      {error ? (
        <div className="mt-4">
          <ProblemPanel error={error} compact />
        </div>
      ) : null}
      <div className="mt-5 flex flex-wrap gap-2">
        <Button kind="primary" busy={busy !== null} onClick={() => void answer('approve')}>
          {busy === 'approve' ? 'Allowing…' : 'Allow'}
        </Button>
        <Button busy={busy !== null} onClick={() => void answer('deny')}>
          Deny
        </Button>
      </div>
    </section>
  );
}
