'use client';
import { useQuery } from '@tanstack/react-query';
import { Boxes, ChevronDown, KeyRound, SquareTerminal } from 'lucide-react';
import Link from 'next/link';
import { DropdownMenu } from 'radix-ui';
import { useState } from 'react';
import type { Cluster, Me, Session } from '../../server/http/schemas.ts';
import { focusSession, recentClusters, startSession } from '../dock/actions.ts';
import { paths } from '../lib/paths.ts';
import { queries } from '../lib/queries.ts';
import { Button } from '../ui/button.tsx';
import { buttonClass } from '../ui/button-class.ts';
import { Filter } from '../ui/filter.tsx';
import { Icon } from '../ui/glyph.tsx';
import { Empty, PageBody, Waiting } from '../ui/layout.tsx';
import { ProblemPanel } from '../ui/problem.tsx';
import { HealthStatus, ProductionMark, SessionStatus } from '../ui/status.tsx';
import { Time } from '../ui/time.tsx';
import { byRecency, matching } from './start-order.ts';

/** Where a person begins: their running shells, and each cluster that a role of theirs reaches, one click away. */
export function Start() {
  const me = useQuery(queries.me());
  const clusters = useQuery(queries.clusters());
  const sessions = useQuery(queries.mySessions());
  const [filter, setFilter] = useState('');
  // Read once: the cards must not move away under the pointer when one is used.
  const [recent] = useState(recentClusters);
  const running = (sessions.data?.items ?? []).filter((session) => session.state !== 'ended');
  const reachable = (clusters.data?.items ?? []).filter((cluster) => cluster.roles.length > 0);
  const shown = matching(byRecency(reachable, recent), filter);
  // What runs stands above the clusters: were it to come later, they would move away under the pointer.
  const asking = !clusters.data || (sessions.isPending && sessions.failureCount === 0);
  return (
    <PageBody
      title="Start a shell"
      intro="Each runs in a container of its own, acts on the cluster as an account made for it, and is recorded."
      actions={
        reachable.length > 6 ? <Filter label="Filter clusters" value={filter} onChange={setFilter} /> : undefined
      }
    >
      {running.length > 0 ? <Running sessions={running} /> : null}
      {clusters.error && !clusters.data ? (
        <ProblemPanel error={clusters.error} retry={() => void clusters.refetch()} />
      ) : asking ? (
        <Waiting>Asking for your clusters</Waiting>
      ) : reachable.length === 0 ? (
        <NoClusters portal={me.data?.portal} any={clusters.data.items.length > 0} />
      ) : shown.length === 0 ? (
        <Empty icon={Boxes} title="No cluster matches the filter" />
      ) : (
        <ul className="grid gap-3 sm:grid-cols-2 lg:grid-cols-3" aria-label="Clusters">
          {shown.map((cluster) => (
            <ClusterCard key={cluster.id} cluster={cluster} />
          ))}
        </ul>
      )}
    </PageBody>
  );
}

function Running({ sessions }: { sessions: Session[] }) {
  return (
    <section className="mb-6" aria-labelledby="running">
      <h2 id="running" className="mb-2">
        Running
      </h2>
      <ul className="card divide-y">
        {sessions.map((session) => (
          <li key={session.id} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-3 py-2">
            <span className="flex min-w-0 items-center gap-2">
              <strong className="truncate font-semibold">{session.cluster.name}</strong>
              <ProductionMark production={session.cluster.production} />
            </span>
            <span className="text-muted">as {session.role}</span>
            <SessionStatus session={session} />
            <span className="text-muted">
              opened <Time at={session.openedAt} />
            </span>
            <span className="ml-auto flex items-center gap-4">
              <Link href={paths.session(session.id)} className="link">
                Details
              </Link>
              <Button size="sm" onClick={() => focusSession(session)}>
                Go to terminal
              </Button>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function ClusterCard({ cluster }: { cluster: Cluster }) {
  const [first, ...others] = cluster.roles;
  return (
    <li className={`card flex flex-col overflow-hidden ${cluster.production ? 'border-prod/60' : ''}`}>
      {cluster.production ? (
        <p className="bg-prod px-3 py-0.5 text-[11px] font-bold tracking-[0.07em] text-prod-fg uppercase">Production</p>
      ) : null}
      <div className="flex flex-1 flex-col gap-3 p-3">
        <div className="min-w-0">
          <div className="flex items-center justify-between gap-3">
            <Link
              href={paths.cluster(cluster.name)}
              className="truncate text-[14.5px] font-semibold hover:underline"
              title={cluster.name}
            >
              {cluster.name}
            </Link>
            <HealthStatus health={cluster.health} />
          </div>
          {cluster.health.state === 'unreachable' && cluster.health.message ? (
            <p className="line-clamp-2 text-[12.5px] text-muted" title={cluster.health.message}>
              {cluster.health.message}
            </p>
          ) : (
            <p className="truncate text-[12.5px] text-muted" title={cluster.server}>
              {cluster.health.version ? `Kubernetes ${cluster.health.version}` : cluster.server}
              {cluster.health.latencyMs === null ? '' : ` · ${Math.round(cluster.health.latencyMs)} ms`}
            </p>
          )}
        </div>
        <div className="mt-auto flex">
          <Button
            kind={cluster.production ? 'prod' : 'primary'}
            className={`min-w-0 flex-1 ${others.length ? 'rounded-r-none' : ''}`}
            aria-label={`Open as ${first} on ${cluster.name}${cluster.production ? ' (production)' : ''}`}
            onClick={() => startSession(cluster, first ?? null)}
          >
            <Icon of={SquareTerminal} />
            <span className="truncate">
              Open as <strong className="font-semibold">{first}</strong>
            </span>
          </Button>
          {others.length ? <OtherRoles cluster={cluster} /> : null}
        </div>
      </div>
    </li>
  );
}

function OtherRoles({ cluster }: { cluster: Cluster }) {
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger asChild>
        <Button
          kind={cluster.production ? 'prod' : 'primary'}
          icon
          className="rounded-l-none border-l border-l-white/30 !h-8"
          aria-label={`Choose a role on ${cluster.name}`}
        >
          <Icon of={ChevronDown} />
        </Button>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content align="end" sideOffset={4} className="menu">
          {cluster.roles.map((role) => (
            <DropdownMenu.Item key={role} className="menu-item" onSelect={() => startSession(cluster, role)}>
              <Icon of={KeyRound} className="text-muted" /> Open as {role}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function NoClusters({ portal, any }: { portal: Me['portal'] | undefined; any: boolean }) {
  const admin = portal === 'admin';
  if (admin && !any)
    return (
      <Empty
        icon={Boxes}
        title="No cluster is registered yet"
        action={
          <Link href={paths.newCluster()} className={buttonClass('primary')}>
            Register a cluster
          </Link>
        }
      >
        Register one by a kubeconfig or by its address, and it is here for everyone whose role reaches it.
      </Empty>
    );
  return (
    <Empty
      icon={Boxes}
      title="No role of yours reaches a cluster"
      action={
        portal === 'auditor' ? (
          <Link href={paths.sessions()} className={buttonClass('primary')}>
            See everyone’s sessions
          </Link>
        ) : undefined
      }
    >
      Clusters are here once an administrator gives a role to you or to one of your groups.
      {admin ? (
        <>
          {' '}
          You are one:{' '}
          <Link href={paths.roles()} className="link">
            roles
          </Link>
          .
        </>
      ) : null}
    </Empty>
  );
}
