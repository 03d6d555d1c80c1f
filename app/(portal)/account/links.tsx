'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link2, Plus } from 'lucide-react';
import NextLink from 'next/link';
import { useState } from 'react';
import type { Link } from '../../../server/http/schemas.ts';
import { api } from '../../lib/api.ts';
import { paths } from '../../lib/paths.ts';
import { queries } from '../../lib/queries.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Icon } from '../../ui/glyph.tsx';
import { Empty, Waiting } from '../../ui/layout.tsx';
import { ProblemPanel } from '../../ui/problem.tsx';
import { ProductionMark } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';
import { LinkForm } from './link-form.tsx';

/** The signed links that the person has made: each opens some paths of one cluster, and can be revoked. */
export function Links() {
  const links = useQuery(queries.links());
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<Link | null>(null);
  const refresh = () => client.invalidateQueries({ queryKey: ['links'] });
  const add = (
    <Button kind="primary" onClick={() => setAdding(true)}>
      <Icon of={Plus} /> Make a link
    </Button>
  );
  return (
    <section className="mb-6" aria-labelledby="links">
      <div className="mb-3 flex items-center justify-between gap-4">
        <h2 id="links">Links</h2>
        {links.data?.items.length ? add : null}
      </div>
      {links.error && !links.data ? (
        <ProblemPanel error={links.error} retry={() => void links.refetch()} />
      ) : links.data === undefined ? (
        <Waiting>Asking for your links</Waiting>
      ) : links.data.items.length === 0 ? (
        <Empty icon={Link2} title="No link" action={add}>
          A link lets a script or a web application call some paths of a cluster as you, for a while, and nothing else.
        </Empty>
      ) : (
        <ul className="card divide-y" aria-label="Links">
          {links.data.items.map((link) => (
            <li key={link.id} className="flex flex-wrap items-center gap-x-5 gap-y-1 px-4 py-2.5">
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
              <span className="text-muted">{uses(link)}</span>
              <span className="text-muted">
                expires <Time at={link.expiresAt} />
              </span>
              <Button
                size="sm"
                kind="danger"
                className="ml-auto"
                aria-label={`Revoke the link ${link.name}`}
                onClick={() => setRevoking(link)}
              >
                Revoke
              </Button>
            </li>
          ))}
        </ul>
      )}
      {adding ? (
        <LinkForm
          onClose={() => {
            setAdding(false);
            void refresh();
          }}
        />
      ) : null}
      <Confirm
        open={revoking !== null}
        onClose={() => setRevoking(null)}
        title={`Revoke the link ${revoking?.name ?? ''}?`}
        action="Revoke"
        act={async () => {
          await api.revokeLink(revoking!.id);
          await refresh();
        }}
      >
        <p>Whoever holds it is refused from the next call on; what runs now ends.</p>
      </Confirm>
    </section>
  );
}

function uses({ usesMax, uses: used, lastUsedAt }: Link): string {
  if (usesMax !== null) return `used ${used} of ${usesMax} times`;
  return lastUsedAt ? 'in use' : 'never used';
}
