'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link2 } from 'lucide-react';
import NextLink from 'next/link';
import type { Link } from '../../../server/http/schemas.ts';
import { api } from '../../lib/api.ts';
import { paths } from '../../lib/paths.ts';
import { queries } from '../../lib/queries.ts';
import { OwnList } from '../../ui/own-list.tsx';
import { ProductionMark } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';
import { LinkForm } from './link-form.tsx';

/** The signed links that the person has made: each opens some paths of one cluster, and can be revoked. */
export function Links() {
  const list = useQuery(queries.links());
  const client = useQueryClient();
  return (
    <OwnList
      id="links"
      title="Links"
      list={list}
      waiting="Asking for your links"
      empty={{
        icon: Link2,
        title: 'No link',
        words:
          'A link lets a script, a web application or whoever opens it call some paths of a cluster as you, for a while, and nothing else.',
      }}
      add={{ action: 'Make a link', form: (close) => <LinkForm onClose={close} /> }}
      row={(link) => (
        <>
          <NextLink href={paths.session(link.id)} className="link flex min-w-[140px] flex-1 items-center gap-2">
            <span className="truncate" title={link.name}>
              {link.name}
            </span>
            <ProductionMark production={link.cluster.production} short />
          </NextLink>
          <span className="max-w-full truncate font-mono text-[12.5px] text-muted" title={link.paths.join('\n')}>
            {link.verbs.join(', ')} {link.paths[0]}
            {link.paths.length > 1 ? ` and ${link.paths.length - 1} more` : ''} on {link.cluster.name}
          </span>
          {link.recipient ? <span className="text-muted">for {link.recipient}</span> : null}
          <span className="text-muted">{uses(link)}</span>
          <span className="text-muted">
            expires <Time at={link.expiresAt} />
          </span>
        </>
      )}
      remove={{
        action: 'Revoke',
        label: (link) => `Revoke the link ${link.name}`,
        question: (link) => `Revoke the link ${link?.name ?? ''}?`,
        words: 'Whoever holds it is refused from the next call on; what runs now ends.',
        act: (link) => api.revokeLink(link.id),
      }}
      refresh={() => client.invalidateQueries({ queryKey: ['links'] })}
    />
  );
}

function uses({ usesMax, uses: used, lastUsedAt }: Link): string {
  if (usesMax !== null) return `used ${used} of ${usesMax} times`;
  return lastUsedAt ? 'in use' : 'never used';
}
