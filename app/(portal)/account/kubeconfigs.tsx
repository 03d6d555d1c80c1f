'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { FileKey, Plus } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import type { Credential } from '../../../server/http/schemas.ts';
import { api } from '../../lib/api.ts';
import { paths } from '../../lib/paths.ts';
import { queries } from '../../lib/queries.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Icon } from '../../ui/glyph.tsx';
import { Empty, Waiting } from '../../ui/layout.tsx';
import { ProblemPanel } from '../../ui/problem.tsx';
import { ProductionMark, SessionStatus } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';
import { KubeconfigForm } from './kubeconfig-form.tsx';

/** The kubeconfigs that the person's own tools work with: each credential is a session, and can be revoked. */
export function Kubeconfigs() {
  const credentials = useQuery(queries.kubeconfigs());
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<Credential | null>(null);
  const refresh = () => client.invalidateQueries({ queryKey: ['kubeconfigs'] });
  const add = (
    <Button kind="primary" onClick={() => setAdding(true)}>
      <Icon of={Plus} /> Make a kubeconfig
    </Button>
  );
  return (
    <section className="mb-6" aria-labelledby="kubeconfigs">
      <div className="mb-3 flex items-center justify-between gap-4">
        <h2 id="kubeconfigs">Kubeconfigs</h2>
        {credentials.data?.items.length ? add : null}
      </div>
      <p className="mb-3 text-muted">
        The command line makes them by itself, with no secret in the file: <code>sallyport login</code>, then{' '}
        <code>sallyport kube login CLUSTER</code>.
      </p>
      {credentials.error && !credentials.data ? (
        <ProblemPanel error={credentials.error} retry={() => void credentials.refetch()} />
      ) : credentials.data === undefined ? (
        <Waiting>Asking for your kubeconfigs</Waiting>
      ) : credentials.data.items.length === 0 ? (
        <Empty icon={FileKey} title="No kubeconfig" action={add}>
          Your own <code>kubectl</code>, <code>helm</code> and <code>k9s</code> work through the gateway with one: for
          some hours, as you, every call on record.
        </Empty>
      ) : (
        <ul className="card divide-y" aria-label="Kubeconfigs">
          {credentials.data.items.map((credential) => (
            <li key={credential.id} className="flex flex-wrap items-center gap-x-5 gap-y-1 px-4 py-2.5">
              <Link href={paths.session(credential.id)} className="link flex min-w-[140px] flex-1 items-center gap-2">
                <span className="truncate" title={credential.cluster.name}>
                  {credential.cluster.name}
                </span>
                <ProductionMark production={credential.cluster.production} short />
              </Link>
              <SessionStatus session={{ state: credential.state, detachedAt: null, endReason: null }} />
              <span className="text-muted">as {credential.role}</span>
              {credential.certificate ? (
                <span className="text-muted" title={`Serial number ${credential.certificate}`}>
                  by certificate
                </span>
              ) : null}
              <span className="text-muted">
                expires <Time at={credential.expiresAt} />
              </span>
              <span className="text-muted">
                {credential.lastUsedAt ? (
                  <>
                    used <Time at={credential.lastUsedAt} />
                  </>
                ) : (
                  'never used'
                )}
              </span>
              <Button
                size="sm"
                kind="danger"
                className="ml-auto"
                aria-label={`Revoke the kubeconfig for ${credential.cluster.name}`}
                onClick={() => setRevoking(credential)}
              >
                Revoke
              </Button>
            </li>
          ))}
        </ul>
      )}
      {adding ? (
        <KubeconfigForm
          onClose={() => {
            setAdding(false);
            void refresh();
          }}
        />
      ) : null}
      <Confirm
        open={revoking !== null}
        onClose={() => setRevoking(null)}
        title={`Revoke the kubeconfig for ${revoking?.cluster.name ?? ''}?`}
        action="Revoke"
        act={async () => {
          await api.revokeKubeconfig(revoking!.id);
          await refresh();
        }}
      >
        <p>Tools that use it are refused from the next call on; what runs now (watches, execs) ends.</p>
      </Confirm>
    </section>
  );
}
