'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Ban, CircleCheck, CircleStop, KeySquare, Plus } from 'lucide-react';
import { useState } from 'react';
import type { ApiToken } from '../../server/http/schemas.ts';
import { api } from '../lib/api.ts';
import { queries } from '../lib/queries.ts';
import { Button } from '../ui/button.tsx';
import { Confirm } from '../ui/confirm.tsx';
import { Icon } from '../ui/glyph.tsx';
import { Empty, Waiting } from '../ui/layout.tsx';
import { ProblemPanel } from '../ui/problem.tsx';
import { Status } from '../ui/status.tsx';
import { Time, useNow } from '../ui/time.tsx';
import { TokenForm } from './token-form.tsx';

function TokenState({ token }: { token: ApiToken }) {
  const now = useNow(60_000);
  if (token.revokedAt)
    return (
      <Status icon={Ban} tone="muted">
        Revoked
      </Status>
    );
  if (new Date(token.expiresAt) <= now)
    return (
      <Status icon={CircleStop} tone="muted">
        Expired
      </Status>
    );
  return (
    <Status icon={CircleCheck} tone="ok">
      Valid
    </Status>
  );
}

/** One's own tokens, or those `of` a service user. */
export function Tokens({ of = null }: { of?: string | null }) {
  const tokens = useQuery(queries.tokens(of));
  const client = useQueryClient();
  const now = useNow(60_000);
  const [adding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<ApiToken | null>(null);
  const refresh = () => client.invalidateQueries({ queryKey: ['tokens'] });
  const add = (
    <Button kind="primary" onClick={() => setAdding(true)}>
      <Icon of={Plus} /> Create a token
    </Button>
  );
  return (
    <section aria-labelledby="tokens">
      <div className="mb-3 flex items-center justify-between gap-4">
        <h2 id="tokens">API tokens</h2>
        {tokens.data?.items.length ? add : null}
      </div>
      {tokens.error && !tokens.data ? (
        <ProblemPanel error={tokens.error} retry={() => void tokens.refetch()} />
      ) : tokens.data === undefined ? (
        <Waiting>Asking for the tokens</Waiting>
      ) : tokens.data.items.length === 0 ? (
        <Empty icon={KeySquare} title="No API token" action={add}>
          A script sends one as <code>Authorization: Bearer …</code> and may do what {of ? 'this service user' : 'you'}{' '}
          may, within the token's scopes.
        </Empty>
      ) : (
        <ul className="card divide-y" aria-label="API tokens">
          {tokens.data.items.map((token) => {
            const valid = !token.revokedAt && new Date(token.expiresAt) > now;
            return (
              <li key={token.id} className="flex flex-wrap items-center gap-x-5 gap-y-1 px-4 py-2.5">
                <span className="min-w-[140px] flex-1 font-medium">{token.name}</span>
                <TokenState token={token} />
                <span className="text-muted">{token.scopes.join(', ')}</span>
                <span className="text-muted">
                  {valid ? 'expires ' : 'expired '}
                  <Time at={token.expiresAt} />
                </span>
                <span className="text-muted">
                  {token.lastUsedAt ? (
                    <>
                      used <Time at={token.lastUsedAt} />
                    </>
                  ) : (
                    'never used'
                  )}
                </span>
                <Button
                  size="sm"
                  kind="danger"
                  className="ml-auto"
                  aria-label={`Revoke ${token.name}`}
                  blocked={valid ? null : 'it is not valid any more'}
                  onClick={() => setRevoking(token)}
                >
                  Revoke
                </Button>
              </li>
            );
          })}
        </ul>
      )}
      {adding ? (
        <TokenForm
          of={of}
          onClose={() => {
            setAdding(false);
            void refresh();
          }}
        />
      ) : null}
      <Confirm
        open={revoking !== null}
        onClose={() => setRevoking(null)}
        title={`Revoke ${revoking?.name ?? ''}?`}
        action="Revoke"
        act={async () => {
          await api.revokeToken(of, revoking!.id);
          await refresh();
        }}
      >
        <p>Scripts that use it are refused from the next request on. A revoked token never works again.</p>
      </Confirm>
    </section>
  );
}
