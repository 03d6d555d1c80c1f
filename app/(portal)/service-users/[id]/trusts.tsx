'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Handshake } from 'lucide-react';
import type { User } from '../../../../server/http/schemas.ts';
import { api } from '../../../lib/api.ts';
import { queries } from '../../../lib/queries.ts';
import { OwnList } from '../../../ui/own-list.tsx';
import { TrustForm } from './trust-form.tsx';

/** Whose jobs may have tokens of the service user for their id tokens. */
export function Trusts({ of, mayChange }: { of: User; mayChange: boolean }) {
  const list = useQuery(queries.trusts(of.id));
  const client = useQueryClient();
  const blocked = mayChange ? null : 'administrators do this';
  return (
    <OwnList
      id="trusts"
      title="Trusted CI jobs"
      list={list}
      waiting="Asking for the trusts"
      empty={{
        icon: Handshake,
        title: 'No trust',
        words:
          'A CI job sends the id token that its CI signs, and gets a token of this service user for some minutes: no secret is kept anywhere.',
      }}
      add={{ action: 'Add a trust', blocked, form: (close) => <TrustForm of={of} onClose={close} /> }}
      top
      row={(trust) => (
        <>
          <span className="min-w-[140px] font-medium">{trust.name}</span>
          <span className="wrap-anywhere min-w-[200px] flex-1 text-muted">
            {trust.issuer}, for {trust.audience}
            {[{ claim: trust.owner.claim, pattern: trust.owner.value }, ...trust.conditions].map(
              ({ claim, pattern }) => (
                <code key={`${claim} ${pattern}`} className="block">
                  {claim}: {pattern}
                </code>
              ),
            )}
          </span>
          <span className="text-muted">
            {trust.scopes.join(', ')} for {Math.round(trust.lifetimeMs / 60_000)} min
          </span>
        </>
      )}
      remove={{
        action: 'Remove',
        label: (trust) => `Remove ${trust.name}`,
        blocked: () => blocked,
        question: (trust) => `Remove ${trust?.name ?? ''}?`,
        words:
          'Jobs get no token by it any more; tokens that it gave are revoked, and kubeconfigs that were made with them end.',
        act: (trust) => api.removeTrust(of.id, trust.id),
      }}
      refresh={() =>
        Promise.all([
          client.invalidateQueries({ queryKey: ['trusts', of.id] }),
          client.invalidateQueries({ queryKey: ['tokens', of.id] }),
        ])
      }
    />
  );
}
