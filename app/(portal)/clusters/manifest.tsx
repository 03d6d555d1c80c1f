'use client';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Cluster } from '../../../server/http/schemas.ts';
import { queries } from '../../lib/queries.ts';
import { CopyButton } from '../../ui/copy.tsx';
import { Waiting } from '../../ui/layout.tsx';
import { ProblemPanel } from '../../ui/problem.tsx';

/** The portal's least-privilege account as a manifest, to read and to apply. */
export function Manifest({ namespace, actAs }: { namespace: string; actAs: Cluster['actAs'] }) {
  const [open, setOpen] = useState(false);
  const manifest = useQuery({ ...queries.manifest(namespace, actAs), enabled: open });
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="font-medium">What the portal needs on the cluster, as a manifest</summary>
      {manifest.error ? (
        <div className="mt-2">
          <ProblemPanel error={manifest.error} compact retry={() => void manifest.refetch()} />
        </div>
      ) : manifest.data === undefined ? (
        <Waiting>Asking for the manifest</Waiting>
      ) : (
        <div className="relative mt-2">
          <div className="absolute top-2 right-2">
            <CopyButton text={manifest.data} label="Copy the manifest" />
          </div>
          <pre
            tabIndex={0}
            aria-label="Manifest"
            className="max-h-96 overflow-auto rounded-md border bg-sunken p-3 text-[12px] leading-5"
          >
            {manifest.data}
          </pre>
          <p className="mt-2 text-muted">
            Apply it as a cluster administrator: <code>kubectl apply -f sallyport.yaml</code>
          </p>
        </div>
      )}
    </details>
  );
}
