'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { FileKey } from 'lucide-react';
import Link from 'next/link';
import { api } from '../../lib/api.ts';
import { paths } from '../../lib/paths.ts';
import { queries } from '../../lib/queries.ts';
import { Button } from '../../ui/button.tsx';
import { OwnList } from '../../ui/own-list.tsx';
import { ProductionMark, SessionStatus } from '../../ui/status.tsx';
import { LastUse, Time } from '../../ui/time.tsx';
import { toastFailure } from '../../ui/toast.tsx';
import { KubeconfigForm } from './kubeconfig-form.tsx';

/** The kubeconfigs that the person's own tools work with: each credential is a session, and can be revoked. */
export function Kubeconfigs() {
  const list = useQuery(queries.kubeconfigs());
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: ['kubeconfigs'] });
  return (
    <OwnList
      id="kubeconfigs"
      title="Kubeconfigs"
      note={
        <>
          The command line makes them by itself, with no secret in the file: <code>sallyport login</code>, then{' '}
          <code>sallyport kube login CLUSTER</code>.
        </>
      }
      list={list}
      waiting="Asking for your kubeconfigs"
      empty={{
        icon: FileKey,
        title: 'No kubeconfig',
        words: (
          <>
            Your own <code>kubectl</code>, <code>helm</code> and <code>k9s</code> work through the gateway with one: for
            some hours, as you, every call on record.
          </>
        ),
      }}
      add={{ action: 'Make a kubeconfig', form: (close) => <KubeconfigForm onClose={close} /> }}
      row={(credential) => (
        <>
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
          <LastUse at={credential.lastUsedAt} />
          {credential.waits ? (
            <Button
              size="sm"
              aria-label={`Wake the kubeconfig for ${credential.cluster.name}`}
              onClick={() => void api.wakeKubeconfig(credential.id).then(refresh, toastFailure)}
            >
              Wake
            </Button>
          ) : null}
        </>
      )}
      remove={{
        action: 'Revoke',
        label: (credential) => `Revoke the kubeconfig for ${credential.cluster.name}`,
        question: (credential) => `Revoke the kubeconfig for ${credential?.cluster.name ?? ''}?`,
        words: 'Tools that use it are refused from the next call on; what runs now (watches, execs) ends.',
        act: (credential) => api.revokeKubeconfig(credential.id),
      }}
      refresh={refresh}
    />
  );
}
