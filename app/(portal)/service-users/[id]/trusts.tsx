'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Handshake, Plus } from 'lucide-react';
import { useState } from 'react';
import type { Trust, User } from '../../../../server/http/schemas.ts';
import { api } from '../../../lib/api.ts';
import { queries } from '../../../lib/queries.ts';
import { Button } from '../../../ui/button.tsx';
import { Confirm } from '../../../ui/confirm.tsx';
import { Icon } from '../../../ui/glyph.tsx';
import { Empty, Waiting } from '../../../ui/layout.tsx';
import { ProblemPanel } from '../../../ui/problem.tsx';
import { TrustForm } from './trust-form.tsx';

/** Whose jobs may have tokens of the service user for their id tokens. */
export function Trusts({ of, mayChange }: { of: User; mayChange: boolean }) {
  const trusts = useQuery(queries.trusts(of.id));
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Trust | null>(null);
  const refresh = () =>
    Promise.all([
      client.invalidateQueries({ queryKey: ['trusts', of.id] }),
      client.invalidateQueries({ queryKey: ['tokens', of.id] }),
    ]);
  const blocked = mayChange ? null : 'administrators do this';
  const add = (
    <Button kind="primary" blocked={blocked} onClick={() => setAdding(true)}>
      <Icon of={Plus} /> Add a trust
    </Button>
  );
  return (
    <section className="mb-6" aria-labelledby="trusts">
      <div className="mb-3 flex items-center justify-between gap-4">
        <h2 id="trusts">Trusted CI jobs</h2>
        {trusts.data?.items.length ? add : null}
      </div>
      {trusts.error && !trusts.data ? (
        <ProblemPanel error={trusts.error} retry={() => void trusts.refetch()} />
      ) : trusts.data === undefined ? (
        <Waiting>Asking for the trusts</Waiting>
      ) : trusts.data.items.length === 0 ? (
        <Empty icon={Handshake} title="No trust" action={add}>
          A CI job sends the id token that its CI signs, and gets a token of this service user for some minutes: no
          secret is kept anywhere.
        </Empty>
      ) : (
        <ul className="card divide-y" aria-label="Trusted CI jobs">
          {trusts.data.items.map((trust) => (
            <li key={trust.id} className="flex flex-wrap items-start gap-x-5 gap-y-1 px-4 py-2.5">
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
              <Button
                size="sm"
                kind="danger"
                aria-label={`Remove ${trust.name}`}
                blocked={blocked}
                onClick={() => setRemoving(trust)}
              >
                Remove
              </Button>
            </li>
          ))}
        </ul>
      )}
      {adding ? (
        <TrustForm
          of={of}
          onClose={() => setAdding(false)}
          onSaved={() => {
            setAdding(false);
            void refresh();
          }}
        />
      ) : null}
      <Confirm
        open={removing !== null}
        onClose={() => setRemoving(null)}
        title={`Remove ${removing?.name ?? ''}?`}
        action="Remove"
        act={async () => {
          await api.removeTrust(of.id, removing!.id);
          await refresh();
        }}
      >
        <p>
          Jobs get no token by it any more; tokens that it gave are revoked, and kubeconfigs that were made with them
          end.
        </p>
      </Confirm>
    </section>
  );
}
