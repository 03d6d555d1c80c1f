'use client';
import { useQuery } from '@tanstack/react-query';
import { ListVideo } from 'lucide-react';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import type { Session } from '../../../server/http/schemas.ts';
import { api } from '../../lib/api.ts';
import { paths } from '../../lib/paths.ts';
import { queries } from '../../lib/queries.ts';
import { bytes, duration } from '../../lib/time.ts';
import { usePages } from '../../lib/use-pages.ts';
import { useSearch } from '../../lib/use-search.ts';
import { buttonClass } from '../../ui/button-class.ts';
import { Choice, Filter } from '../../ui/filter.tsx';
import { Empty, Waiting } from '../../ui/layout.tsx';
import { ListPage } from '../../ui/list-page.tsx';
import { ProblemPanel } from '../../ui/problem.tsx';
import { ProductionMark, SessionStatus } from '../../ui/status.tsx';
import { parseSort, sortRows, Table, type Column } from '../../ui/table.tsx';
import { Time } from '../../ui/time.tsx';

const LIVE_MS = 5_000;

function lasted(session: Session): number {
  const end = session.endedAt ? new Date(session.endedAt) : new Date();
  return end.getTime() - new Date(session.openedAt).getTime();
}

const endWords: Record<NonNullable<Session['endReason']>, string> = {
  exited: 'exited',
  'ended-by-person': 'ended by hand',
  'signed-out': 'signed out',
  idle: 'idle',
  detached: 'detached',
  'hard-cap': 'longest time',
  revoked: 'revoked',
  fault: 'fault',
};

const columns: Column<Session>[] = [
  {
    key: 'state',
    header: 'State',
    width: 'minmax(92px, 0.8fr)',
    sort: (session) => session.state,
    cell: (session) => <SessionStatus session={session} />,
  },
  {
    key: 'cluster',
    header: 'Cluster',
    width: 'minmax(120px, 2fr)',
    sort: (session) => session.cluster.name,
    under: (session) =>
      `as ${session.role} · ${session.user.name}${session.channel === 'terminal' ? '' : ` · ${session.channel}`}`,
    cell: (session) => (
      <span className="flex items-center gap-2">
        <Link
          href={paths.session(session.id)}
          className="truncate font-medium hover:underline"
          title={session.cluster.name}
        >
          {session.cluster.name}
        </Link>
        <ProductionMark production={session.cluster.production} short />
      </span>
    ),
  },
  {
    key: 'person',
    header: 'Person',
    wide: true,
    width: 'minmax(100px, 1.2fr)',
    sort: (session) => session.user.name,
    cell: (session) => <span title={session.user.email}>{session.user.name}</span>,
  },
  {
    key: 'role',
    header: 'Role',
    width: 'minmax(80px, 0.8fr)',
    wide: true,
    sort: (session) => session.role,
    cell: (session) => <span title={session.role}>{session.role}</span>,
  },
  {
    key: 'opened',
    header: 'Opened',
    width: '88px',
    sort: (session) => session.openedAt,
    cell: (session) => <Time at={session.openedAt} />,
  },
  {
    key: 'lasted',
    header: 'Lasted',
    width: '100px',
    wide: true,
    sort: lasted,
    cell: (session) => duration(lasted(session)),
  },
  {
    key: 'reason',
    header: 'Why ended',
    width: '120px',
    wide: true,
    sort: (session) => session.endReason ?? '',
    cell: (session) =>
      session.endReason ? (
        <span title={session.endDetail ?? undefined}>
          {endWords[session.endReason]}
          {session.exitCode ? ` (${session.exitCode})` : ''}
        </span>
      ) : (
        '–'
      ),
  },
  {
    key: 'recorded',
    header: 'Recorded',
    width: '90px',
    wide: true,
    sort: (session) => session.recordedBytes,
    cell: (session) => bytes(session.recordedBytes),
  },
];

const states = [
  { value: '', label: 'Any state' },
  { value: 'active', label: 'Active' },
  { value: 'opening', label: 'Opening' },
  { value: 'dormant', label: 'Dormant' },
  { value: 'ended', label: 'Ended' },
];

export function Sessions() {
  const me = useQuery(queries.me());
  const router = useRouter();
  const [search, setSearch] = useSearch();
  const sees = me.data?.portal === 'admin' || me.data?.portal === 'auditor';
  const filter = {
    state: search.get('state') ?? '',
    user: search.get('user') ?? '',
    cluster: search.get('cluster') ?? '',
    mine: search.get('mine') === 'true',
  };
  const q = search.get('q') ?? '';
  const sort = parseSort(search.get('sort') ?? '-opened');
  const list = usePages(
    ['sessions', filter],
    (cursor, signal) =>
      api.sessions({ ...filter, mine: filter.mine || undefined, ...(cursor ? { cursor } : {}) } as never, signal),
    LIVE_MS,
  );
  const rows = sortRows(
    list.rows.filter((session) =>
      `${session.cluster.name} ${session.user.name} ${session.user.email} ${session.role} ${session.id}`
        .toLowerCase()
        .includes(q.toLowerCase()),
    ),
    columns,
    sort,
  );
  const filtered = Boolean(filter.state || filter.user || filter.cluster || filter.mine || q);
  return (
    <ListPage
      title="Sessions"
      count={list.data ? rows.length : undefined}
      more={list.hasNextPage}
      actions={
        <>
          <Filter label="Filter sessions" value={q} onChange={(value) => setSearch({ q: value })} />
          <Choice
            label="State"
            value={filter.state}
            options={states}
            onChange={(state) => setSearch({ state }, true)}
          />
          {sees ? (
            <Choice
              label="Whose"
              value={filter.mine ? 'true' : ''}
              options={[
                { value: '', label: 'Everyone’s' },
                { value: 'true', label: 'Mine' },
              ]}
              onChange={(mine) => setSearch({ mine }, true)}
            />
          ) : null}
          {filter.cluster || filter.user ? (
            <button
              type="button"
              className={buttonClass('default')}
              onClick={() => setSearch({ cluster: null, user: null }, true)}
            >
              {filter.cluster ? `Cluster: ${filter.cluster}` : `Person: ${filter.user}`} ✕
              <span className="sr-only"> (remove this filter)</span>
            </button>
          ) : null}
        </>
      }
    >
      {list.error && !list.data ? (
        <ProblemPanel error={list.error} retry={() => void list.refetch()} />
      ) : list.data === undefined ? (
        <Waiting>Asking for the sessions</Waiting>
      ) : rows.length === 0 ? (
        <Empty
          icon={ListVideo}
          title={filtered ? 'No session matches' : 'No session yet'}
          action={
            filtered || me.data?.portal === 'auditor' ? undefined : (
              <Link href={paths.home()} className={buttonClass('primary')}>
                Start a shell
              </Link>
            )
          }
        >
          {filtered
            ? 'Take a filter away to see more.'
            : 'Every shell that is opened is here afterwards, with its recording and what it did on the cluster.'}
        </Empty>
      ) : (
        <Table
          label="Sessions"
          rows={rows}
          columns={columns}
          rowKey={(session) => session.id}
          sort={sort}
          onSort={(next) => setSearch({ sort: next })}
          onOpen={(session) => router.push(paths.session(session.id))}
          onEnd={list.more}
        />
      )}
    </ListPage>
  );
}
