'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { SquareTerminal, TriangleAlert } from 'lucide-react';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import type { Cluster } from '../../../../server/http/schemas.ts';
import { startSession } from '../../../dock/actions.ts';
import { api } from '../../../lib/api.ts';
import { paths } from '../../../lib/paths.ts';
import { queries } from '../../../lib/queries.ts';
import { Button } from '../../../ui/button.tsx';
import { Confirm } from '../../../ui/confirm.tsx';
import { Icon } from '../../../ui/glyph.tsx';
import { Fact, Facts, PageBody, Waiting } from '../../../ui/layout.tsx';
import { ProblemPanel } from '../../../ui/problem.tsx';
import { RunningSessions } from '../../../ui/running-sessions.tsx';
import { HealthStatus, ProductionMark } from '../../../ui/status.tsx';
import { Time } from '../../../ui/time.tsx';
import { toast } from '../../../ui/toast.tsx';
import { ActAsField, actAsWords } from '../act-as-field.tsx';
import { Manifest } from '../manifest.tsx';

/** One cluster: how it is, who one may be on it, and what an administrator may change. */
export function ClusterPage({ name }: { name: string }) {
  const me = useQuery(queries.me());
  const query = useQuery(queries.cluster(name));
  const cluster = query.data;
  if (!cluster)
    return (
      <PageBody title={name}>
        {query.error ? (
          <ProblemPanel error={query.error} retry={() => void query.refetch()} />
        ) : (
          <Waiting>Asking for the cluster</Waiting>
        )}
      </PageBody>
    );
  const { health } = cluster;
  return (
    <PageBody
      title={
        <span className="flex flex-wrap items-center gap-2.5">
          {cluster.name} <ProductionMark production={cluster.production} />
        </span>
      }
      actions={cluster.roles.map((role, at) => (
        <Button
          key={role}
          kind={at > 0 ? 'default' : cluster.production ? 'prod' : 'primary'}
          className="max-w-full"
          title={`Open as ${role}`}
          onClick={() => startSession(cluster, role)}
        >
          <Icon of={SquareTerminal} /> <span className="truncate">Open as {role}</span>
        </Button>
      ))}
    >
      {health.message && health.state !== 'healthy' ? (
        <div className="mb-4 flex items-start gap-2.5 rounded-lg border border-warn/40 bg-warn-soft px-4 py-3">
          <Icon of={TriangleAlert} className="mt-0.5 text-warn" />
          <p className="min-w-0 break-words">{health.message}</p>
        </div>
      ) : null}
      <div className="grid gap-4 lg:grid-cols-2">
        <section className="card p-4" aria-labelledby="facts">
          <h2 id="facts" className="mb-3">
            Facts
          </h2>
          <Facts>
            <Fact name="Health">
              <HealthStatus health={health} />
            </Fact>
            <Fact name="Version">{health.version ?? 'not known'}</Fact>
            <Fact name="Latency">{health.latencyMs === null ? 'not known' : `${Math.round(health.latencyMs)} ms`}</Fact>
            <Fact name="Checked">{health.checkedAt ? <Time at={health.checkedAt} /> : 'being checked'}</Fact>
            <Fact name="Address">
              <code>{cluster.server}</code>
            </Fact>
            <Fact name="Portal's namespace">
              <code>{cluster.namespace}</code>
            </Fact>
            <Fact name="Sessions act">{actAsWords[cluster.actAs]}</Fact>
            <Fact name="Portal's token">
              {cluster.managed ? 'renewed by the portal itself' : 'given by an administrator'}
            </Fact>
            <Fact name="Registered">
              <Time at={cluster.createdAt} />
            </Fact>
            <Fact name="Your roles">{cluster.roles.join(', ') || 'none'}</Fact>
          </Facts>
          <p className="mt-3">
            <Link href={paths.sessions({ cluster: cluster.name })} className="link">
              Sessions on this cluster
            </Link>
          </p>
        </section>
        <section className="card p-4" aria-labelledby="permissions">
          <h2 id="permissions" className="mb-3">
            The portal's permissions
          </h2>
          {health.missingPermissions.length ? (
            <>
              <p className="mb-2 flex items-center gap-2 text-bad">
                <Icon of={TriangleAlert} /> {health.missingPermissions.length} missing
              </p>
              <ul className="list-disc space-y-1 pl-5">
                {health.missingPermissions.map((permission) => (
                  <li key={permission}>
                    <code>{permission}</code>
                  </li>
                ))}
              </ul>
            </>
          ) : (
            <p className="text-muted">
              {health.state === 'healthy' || health.state === 'degraded'
                ? 'Nothing is missing.'
                : 'They are looked at once the cluster answers.'}
            </p>
          )}
          {me.data?.portal === 'admin' ? (
            <div className="mt-4">
              <Manifest namespace={cluster.namespace} actAs={cluster.actAs} />
            </div>
          ) : null}
        </section>
      </div>
      {me.data?.portal === 'admin' ? <Administration cluster={cluster} /> : null}
    </PageBody>
  );
}

function Administration({ cluster }: { cluster: Cluster }) {
  const client = useQueryClient();
  const router = useRouter();
  const [asking, setAsking] = useState<'production' | 'act-as' | 'remove' | null>(null);
  const [actAs, setActAs] = useState(cluster.actAs);
  const refresh = () =>
    Promise.all([
      client.invalidateQueries({ queryKey: ['clusters'] }),
      client.invalidateQueries({ queryKey: ['cluster', cluster.name] }),
    ]);
  return (
    <section className="card mt-4 flex flex-wrap items-center gap-2 p-4" aria-labelledby="administration">
      <h2 id="administration" className="mr-4 w-full sm:w-auto">
        Administration
      </h2>
      <Button onClick={() => setAsking('production')}>
        {cluster.production ? 'No longer production' : 'Mark as production'}
      </Button>
      <Button onClick={() => setAsking('act-as')}>How sessions act…</Button>
      <Button kind="danger" onClick={() => setAsking('remove')}>
        Remove…
      </Button>
      <Confirm
        open={asking === 'act-as'}
        onClose={() => setAsking(null)}
        title="How sessions act on this cluster"
        action="Save"
        kind="primary"
        act={async () => {
          await api.updateCluster(cluster.name, { actAs });
          await refresh();
        }}
      >
        <ActAsField value={actAs} onChange={setActAs} />
        <p className="mt-2">
          The portal’s account needs other permissions then: apply the manifest of this page anew. Shells that are open
          must have ended.
        </p>
      </Confirm>
      <Confirm
        open={asking === 'production'}
        onClose={() => setAsking(null)}
        title={cluster.production ? 'No longer production?' : 'Mark as production?'}
        action={cluster.production ? 'Take the mark away' : 'Mark as production'}
        kind={cluster.production ? 'danger' : 'primary'}
        act={async () => {
          await api.updateCluster(cluster.name, { production: !cluster.production });
          await refresh();
        }}
      >
        <p>
          {cluster.production
            ? 'Its colour and word go away everywhere; nothing else changes.'
            : 'It then wears the colour and the word of production everywhere: in lists, on buttons, above terminals.'}
        </p>
      </Confirm>
      <Confirm
        open={asking === 'remove'}
        onClose={() => setAsking(null)}
        title={`Remove ${cluster.name}?`}
        action="Remove the cluster"
        typed={cluster.name}
        act={async () => {
          await api.removeCluster(cluster.name);
          await client.invalidateQueries({ queryKey: ['clusters'] });
          toast(`${cluster.name} is removed.`);
          router.push(paths.clusters());
        }}
      >
        <p>
          Every running session on <strong>{cluster.name}</strong> ends at once, and the portal forgets its credentials
          for it. Recordings and audit events stay. Nothing on the cluster itself is deleted but the sessions' accounts.
        </p>
        <RunningSessions filter={{ cluster: cluster.name }} />
      </Confirm>
    </section>
  );
}
