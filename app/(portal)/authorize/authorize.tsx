'use client';
import { useQuery } from '@tanstack/react-query';
import { useSearchParams } from 'next/navigation';
import { useEffect } from 'react';
import { Consent } from '../../cli-sign-in/consent.tsx';
import { api } from '../../lib/api.ts';
import { PageBody, Waiting } from '../../ui/layout.tsx';
import { ProblemPanel } from '../../ui/problem.tsx';

/** The authorization endpoint: a program on this machine asks, and gets its answer at its own address on loopback. */
export function Authorize() {
  const search = useSearchParams();
  const query = Object.fromEntries(search);
  const asked = useQuery({
    queryKey: ['cli-authorization', query],
    queryFn: ({ signal }) => api.cliAuthorization(query, signal),
    retry: false,
    staleTime: Infinity,
  });
  const refusal = asked.data?.redirect;
  // The program waits for its answer, also where that is a refusal.
  useEffect(() => {
    if (refusal) location.replace(refusal);
  }, [refusal]);
  return (
    <PageBody title="Allow a command line">
      {asked.error ? (
        <ProblemPanel error={asked.error} retry={() => void asked.refetch()} />
      ) : asked.data?.request ? (
        <Consent
          request={asked.data.request}
          decide={async (decision) => {
            // Replaced, so that going back does not ask again.
            location.replace((await api.decideCliAuthorization({ query, decision })).redirect);
          }}
        />
      ) : (
        <Waiting>Asking what this would allow</Waiting>
      )}
    </PageBody>
  );
}
