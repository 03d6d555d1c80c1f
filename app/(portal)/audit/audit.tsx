'use client';
import { ScrollText } from 'lucide-react';
import { useState } from 'react';
import type { AuditEventBody } from '../../../server/http/schemas.ts';
import { api } from '../../lib/api.ts';
import { PortalError } from '../../lib/problem.ts';
import { dayOf, edgeOfDay } from '../../lib/time.ts';
import { usePages } from '../../lib/use-pages.ts';
import { useSearch } from '../../lib/use-search.ts';
import { Button } from '../../ui/button.tsx';
import { Filter } from '../../ui/filter.tsx';
import { Empty, Waiting } from '../../ui/layout.tsx';
import { ListPage } from '../../ui/list-page.tsx';
import { ProblemPanel } from '../../ui/problem.tsx';
import { Table, type Column } from '../../ui/table.tsx';
import { Time } from '../../ui/time.tsx';
import { Event } from './event.tsx';
import { summary } from './summary.ts';

const LIVE_MS = 5_000;

const columns: Column<AuditEventBody>[] = [
  { key: 'at', header: 'When', width: '92px', cell: (event) => <Time at={event.at} /> },
  {
    key: 'title',
    header: 'What',
    width: 'minmax(150px, 1.2fr)',
    cell: (event) => event.title,
    under: (event) => [summary(event), event.actor].filter(Boolean).join(' · '),
  },
  {
    key: 'actor',
    header: 'Who',
    width: 'minmax(150px, 1.1fr)',
    wide: true,
    cell: (event) => <span title={event.actor}>{event.actor}</span>,
  },
  {
    key: 'detail',
    header: 'Detail',
    width: 'minmax(160px, 2.2fr)',
    wide: true,
    cell: (event) => (
      <span className="font-mono text-[12.5px] text-muted" title={summary(event)}>
        {summary(event)}
      </span>
    ),
  },
  {
    key: 'code',
    header: 'Code',
    width: '160px',
    wide: true,
    cell: (event) => <code className="text-muted">{event.code}</code>,
  },
];

const filters = ['code', 'actor', 'session', 'cluster', 'from', 'to'] as const;
type FilterKey = (typeof filters)[number];

/** The audit log: the newest first, filtered by what the portal can filter by. */
export function Audit() {
  const [search, setSearch] = useSearch();
  const [opened, setOpened] = useState<AuditEventBody | null>(null);
  const filter = Object.fromEntries(filters.map((key) => [key, search.get(key) ?? ''])) as Record<FilterKey, string>;
  const list = usePages(
    ['audit', filter],
    (cursor, signal) => api.audit({ ...filter, ...(cursor ? { cursor } : {}) }, signal),
    LIVE_MS,
  );
  const filtered = filters.some((key) => filter[key]);
  const refused = list.error instanceof PortalError && list.error.status === 403;
  if (refused)
    return (
      <ListPage title="Audit">
        <ProblemPanel error={list.error} />
      </ListPage>
    );
  return (
    <ListPage
      title="Audit"
      actions={
        <>
          <Filter label="Code, as session.opened" value={filter.code} onChange={(code) => setSearch({ code })} />
          <input
            className="input w-full sm:w-44"
            aria-label="Who"
            placeholder="Who"
            value={filter.actor}
            onChange={(event) => setSearch({ actor: event.target.value })}
          />
          <label className="flex min-w-[150px] flex-1 items-center gap-1.5 text-muted sm:flex-none">
            From
            <input
              type="date"
              className="input min-w-0 flex-1 sm:w-auto"
              value={dayOf(filter.from)}
              onChange={(event) => setSearch({ from: edgeOfDay(event.target.value, 'start') })}
            />
          </label>
          <label className="flex min-w-[130px] flex-1 items-center gap-1.5 text-muted sm:flex-none">
            to
            <input
              type="date"
              className="input min-w-0 flex-1 sm:w-auto"
              value={dayOf(filter.to)}
              onChange={(event) => setSearch({ to: edgeOfDay(event.target.value, 'end') })}
            />
          </label>
          {filtered ? (
            <Button onClick={() => setSearch(Object.fromEntries(filters.map((key) => [key, null])), true)}>
              Clear
            </Button>
          ) : null}
        </>
      }
    >
      {list.error && !list.data ? (
        <ProblemPanel error={list.error} retry={() => void list.refetch()} />
      ) : list.data === undefined ? (
        <Waiting>Asking for the audit log</Waiting>
      ) : list.rows.length === 0 ? (
        <Empty icon={ScrollText} title={filtered ? 'No event matches' : 'No event yet'}>
          Sign-ins, sessions, calls to clusters, files and changes by administrators are here.
        </Empty>
      ) : (
        <Table
          label="Audit events"
          rows={list.rows}
          columns={columns}
          rowKey={(event) => String(event.id)}
          onOpen={setOpened}
          onEnd={list.more}
        />
      )}
      {opened ? <Event event={opened} whole={api.auditEvent} onClose={() => setOpened(null)} /> : null}
    </ListPage>
  );
}
