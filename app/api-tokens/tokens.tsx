'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Ban, CircleCheck, CircleStop, KeySquare } from 'lucide-react';
import type { ApiToken } from '../../server/http/schemas.ts';
import { api } from '../lib/api.ts';
import { queries } from '../lib/queries.ts';
import { OwnList } from '../ui/own-list.tsx';
import { Status } from '../ui/status.tsx';
import { LastUse, Time, useNow } from '../ui/time.tsx';
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
  const list = useQuery(queries.tokens(of));
  const client = useQueryClient();
  const now = useNow(60_000);
  const isValid = (token: ApiToken) => !token.revokedAt && new Date(token.expiresAt) > now;
  return (
    <OwnList
      id="tokens"
      title="API tokens"
      list={list}
      waiting="Asking for the tokens"
      empty={{
        icon: KeySquare,
        title: 'No API token',
        words: (
          <>
            A script sends one as <code>Authorization: Bearer …</code> and may do what{' '}
            {of ? 'this service user' : 'you'} may, within the token's scopes.
          </>
        ),
      }}
      add={{ action: 'Create a token', form: (close) => <TokenForm of={of} onClose={close} /> }}
      row={(token) => (
        <>
          <span className="min-w-[140px] flex-1 font-medium">{token.name}</span>
          <TokenState token={token} />
          <span className="text-muted">{token.scopes.join(', ')}</span>
          <span className="text-muted">
            {isValid(token) ? 'expires ' : 'expired '}
            <Time at={token.expiresAt} />
          </span>
          <LastUse at={token.lastUsedAt} />
        </>
      )}
      remove={{
        action: 'Revoke',
        label: (token) => `Revoke ${token.name}`,
        blocked: (token) => (isValid(token) ? null : 'it is not valid any more'),
        question: (token) => `Revoke ${token?.name ?? ''}?`,
        words: 'Scripts that use it are refused from the next request on. A revoked token never works again.',
        act: (token) => api.revokeToken(of, token.id),
      }}
      refresh={() => client.invalidateQueries({ queryKey: ['tokens'] })}
    />
  );
}
