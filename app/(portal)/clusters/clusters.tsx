'use client';
import { useQuery } from '@tanstack/react-query';
import { Boxes, Plus } from 'lucide-react';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import type { Cluster } from '../../../server/http/schemas.ts';
import { paths } from '../../lib/paths.ts';
import { queries } from '../../lib/queries.ts';
import { useSearch } from '../../lib/use-search.ts';
import { buttonClass } from '../../ui/button-class.ts';
import { Filter } from '../../ui/filter.tsx';
import { Icon } from '../../ui/glyph.tsx';
import { Empty, Waiting } from '../../ui/layout.tsx';
import { ListPage } from '../../ui/list-page.tsx';
import { ProblemPanel } from '../../ui/problem.tsx';
import { HealthStatus, ProductionMark } from '../../ui/status.tsx';
import { parseSort, sortRows, Table, type Column } from '../../ui/table.tsx';
import { Time } from '../../ui/time.tsx';

const columns: Column<Cluster>[] = [
  {
    key: 'name',
    header: 'Name',
    width: 'minmax(150px, 1.8fr)',
    sort: (cluster) => cluster.name,
    under: (cluster) => cluster.server,
    cell: (cluster) => (
      <span className="flex items-center gap-2">
        <Link href={paths.cluster(cluster.name)} className="truncate font-medium hover:underline" title={cluster.name}>
          {cluster.name}
        </Link>
        <ProductionMark production={cluster.production} short />
      </span>
    ),
  },
  {
    key: 'health',
    header: 'Health',
    width: '130px',
    sort: (cluster) => cluster.health.state,
    cell: (cluster) => <HealthStatus health={cluster.health} />,
  },
  {
    key: 'version',
    header: 'Version',
    width: '100px',
    wide: true,
    sort: (cluster) => cluster.health.version ?? '',
    cell: (cluster) => cluster.health.version ?? '–',
  },
  {
    key: 'latency',
    header: 'Latency',
    width: '90px',
    wide: true,
    sort: (cluster) => cluster.health.latencyMs ?? Infinity,
    cell: (cluster) => (cluster.health.latencyMs === null ? '–' : `${Math.round(cluster.health.latencyMs)} ms`),
  },
  {
    key: 'server',
    header: 'Address',
    width: 'minmax(160px, 1.6fr)',
    wide: true,
    sort: (cluster) => cluster.server,
    cell: (cluster) => <span className="text-muted">{cluster.server}</span>,
  },
  {
    key: 'roles',
    header: 'Your roles',
    wide: true,
    width: 'minmax(90px, 1fr)',
    cell: (cluster) =>
      cluster.roles.length ? (
        <span title={cluster.roles.join(', ')}>{cluster.roles.join(', ')}</span>
      ) : (
        <span className="text-muted">none</span>
      ),
  },
  {
    key: 'checked',
    header: 'Checked',
    width: '110px',
    wide: true,
    cell: (cluster) => (cluster.health.checkedAt ? <Time at={cluster.health.checkedAt} /> : '–'),
  },
];

export function Clusters() {
  const me = useQuery(queries.me());
  const clusters = useQuery(queries.clusters());
  const router = useRouter();
  const [search, setSearch] = useSearch();
  const filter = search.get('q') ?? '';
  const sort = parseSort(search.get('sort') ?? 'name');
  const admin = me.data?.portal === 'admin';
  const all = clusters.data?.items ?? [];
  const rows = sortRows(
    all.filter((cluster) => `${cluster.name} ${cluster.server}`.toLowerCase().includes(filter.toLowerCase())),
    columns,
    sort,
  );
  const register = (
    <Link href={paths.newCluster()} className={buttonClass('primary')}>
      <Icon of={Plus} /> Register a cluster
    </Link>
  );
  return (
    <ListPage
      title="Clusters"
      count={clusters.data ? rows.length : undefined}
      actions={
        <>
          <Filter label="Filter clusters" value={filter} onChange={(q) => setSearch({ q })} />
          {admin ? register : null}
        </>
      }
    >
      {clusters.error && !clusters.data ? (
        <ProblemPanel error={clusters.error} retry={() => void clusters.refetch()} />
      ) : clusters.data === undefined ? (
        <Waiting>Asking for the clusters</Waiting>
      ) : all.length === 0 ? (
        <Empty icon={Boxes} title="No cluster yet" action={admin ? register : undefined}>
          {admin
            ? 'Register one by a kubeconfig, or by its address, CA and token.'
            : 'Clusters are here once a role of yours reaches them; ask an administrator.'}
        </Empty>
      ) : rows.length === 0 ? (
        <Empty icon={Boxes} title="No cluster matches the filter" />
      ) : (
        <Table
          label="Clusters"
          rows={rows}
          columns={columns}
          rowKey={(cluster) => cluster.id}
          sort={sort}
          onSort={(next) => setSearch({ sort: next })}
          onOpen={(cluster) => router.push(paths.cluster(cluster.name))}
        />
      )}
    </ListPage>
  );
}
