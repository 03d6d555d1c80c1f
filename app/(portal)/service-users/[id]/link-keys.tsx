'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { FileKey } from 'lucide-react';
import type { User } from '../../../../server/http/schemas.ts';
import { api } from '../../../lib/api.ts';
import { queries } from '../../../lib/queries.ts';
import { OwnList } from '../../../ui/own-list.tsx';
import { LinkKeyForm } from './link-key-form.tsx';

/** Keys by which programs sign links in the service user's name. */
export function LinkKeys({ of, mayChange }: { of: User; mayChange: boolean }) {
  const list = useQuery(queries.linkKeys(of.id));
  const client = useQueryClient();
  const blocked = mayChange ? null : 'administrators do this';
  return (
    <OwnList
      id="link-keys"
      title="Keys for links"
      list={list}
      waiting="Asking for the keys"
      empty={{
        icon: FileKey,
        title: 'No key',
        words:
          'A program of yours signs links with its own key, and asks the portal for nothing: within limits, and in this service user’s name.',
      }}
      add={{ action: 'Add a key', blocked, form: (close) => <LinkKeyForm of={of} onClose={close} /> }}
      top
      row={(key) => (
        <>
          <span className="min-w-[140px] font-medium">{key.name}</span>
          <span className="wrap-anywhere min-w-[200px] flex-1 text-muted">
            {key.algorithm} on {key.cluster.name} as {key.role}: {key.verbs.join(', ')}
            {key.paths.map((path) => (
              <code key={path} className="block">
                {path}
              </code>
            ))}
            <code className="block">kid {key.id}</code>
            <code className="block">aud {key.audience}</code>
          </span>
          <span className="text-muted">
            {Math.round(key.longestMs / 60_000)} min{key.uses === null ? '' : `, ${key.uses} uses`} at most
          </span>
        </>
      )}
      remove={{
        action: 'Remove',
        label: (key) => `Remove the key ${key.name}`,
        blocked: () => blocked,
        question: (key) => `Remove the key ${key?.name ?? ''}?`,
        words: 'Links that it signed are refused from the next call on; what runs with them ends.',
        act: (key) => api.removeLinkKey(of.id, key.id),
      }}
      refresh={() => client.invalidateQueries({ queryKey: ['link-keys', of.id] })}
    />
  );
}
