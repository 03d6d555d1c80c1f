'use client';
import { CircleCheck, CircleX, CornerUpRight, Globe } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import type { ApiCallDetail, AuditEventBody, Session } from '../../../../server/http/schemas.ts';
import { api } from '../../../lib/api.ts';
import { clockTime, duration } from '../../../lib/time.ts';
import { usePages } from '../../../lib/use-pages.ts';
import { Empty, Waiting } from '../../../ui/layout.tsx';
import { ProblemPanel } from '../../../ui/problem.tsx';
import { Status } from '../../../ui/status.tsx';
import { Table, type Column } from '../../../ui/table.tsx';
import { Event } from '../../audit/event.tsx';
import { callLine } from '../../audit/summary.ts';

const LIVE_MS = 4_000;

function CallStatus({ event }: { event: AuditEventBody }) {
  const { status, upgraded } = event.detail as Partial<ApiCallDetail>;
  if (status === 101 || upgraded)
    return (
      <Status icon={CornerUpRight} tone="accent">
        {String(status ?? 101)}
      </Status>
    );
  if (!status)
    return (
      <Status icon={CircleX} tone="warn">
        open
      </Status>
    );
  return (
    <Status icon={status < 400 ? CircleCheck : CircleX} tone={status < 400 ? 'ok' : 'bad'}>
      {String(status)}
    </Status>
  );
}

const columns: Column<AuditEventBody>[] = [
  {
    key: 'at',
    header: 'When',
    width: '76px',
    cell: (event) => <time dateTime={event.at}>{clockTime(new Date(event.at))}</time>,
  },
  {
    key: 'call',
    header: 'Call',
    width: 'minmax(140px, 1fr)',
    cell: (event) => {
      const detail = event.detail as Partial<ApiCallDetail>;
      return (
        <span
          className="font-mono text-[12.5px]"
          title={`${detail.method ?? ''} ${detail.path ?? ''}\n${detail.userAgent ?? ''}`}
        >
          {callLine(detail)}
        </span>
      );
    },
  },
  { key: 'status', header: 'Status', width: '72px', cell: (event) => <CallStatus event={event} /> },
  {
    key: 'took',
    header: 'Took',
    width: '64px',
    cell: (event) => {
      const { durationMs } = event.detail as Partial<ApiCallDetail>;
      return (
        <span className="text-muted">
          {durationMs === null || durationMs === undefined ? '–' : duration(durationMs)}
        </span>
      );
    },
  },
];

/** What the session did on the cluster, in order; a call that is clicked seeks the recording to its moment, or, where there is none, is shown. */
export function Calls({
  session,
  at,
  onSeek,
}: {
  session: Session;
  /** The recording's moment, ms since the epoch; null where there is none. */
  at: number | null;
  onSeek: ((ms: number) => void) | null;
}) {
  const list = usePages(
    ['calls', session.id],
    (cursor, signal) => api.calls(session.id, cursor, signal),
    session.state === 'ended' ? false : LIVE_MS,
  );
  const [opened, setOpened] = useState<AuditEventBody | null>(null);
  const { more, hasNextPage, isFetching } = list;
  // The calls are needed as a whole: the recording's clock points into them.
  useEffect(() => {
    if (hasNextPage && !isFetching) more();
  }, [hasNextPage, isFetching, more]);
  const rows = useMemo(() => list.rows.toSorted((a, b) => a.at.localeCompare(b.at) || a.id - b.id), [list.rows]);
  const current = useMemo(() => {
    if (at === null) return null;
    const passed = rows.findLast((event) => new Date(event.at).getTime() <= at);
    return passed ? String(passed.id) : null;
  }, [rows, at]);
  if (list.error && !list.data) return <ProblemPanel error={list.error} retry={() => void list.refetch()} />;
  if (list.data === undefined) return <Waiting>Asking for the calls</Waiting>;
  if (rows.length === 0)
    return (
      <Empty icon={Globe} title="No call to the cluster">
        What kubectl, helm and other programs in the shell ask of the cluster is here, call by call.
      </Empty>
    );
  return (
    <>
      <Table
        label="Calls to the cluster"
        rows={rows}
        columns={columns}
        rowKey={(event) => String(event.id)}
        selected={current}
        onOpen={(event) => (onSeek ? onSeek(new Date(event.at).getTime()) : setOpened(event))}
      />
      {opened ? (
        <Event
          event={opened}
          whole={(event, signal) => api.sessionCall(session.id, event, signal)}
          onClose={() => setOpened(null)}
        />
      ) : null}
    </>
  );
}
