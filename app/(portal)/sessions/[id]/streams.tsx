'use client';
import { useQuery } from '@tanstack/react-query';
import { Cable } from 'lucide-react';
import type { Session, Stream } from '../../../../server/http/schemas.ts';
import { api } from '../../../lib/api.ts';
import { bytes } from '../../../lib/time.ts';
import { Empty, Waiting } from '../../../ui/layout.tsx';
import { ProblemPanel } from '../../../ui/problem.tsx';
import { Table, type Column } from '../../../ui/table.tsx';
import { Time } from '../../../ui/time.tsx';
import { streamEnd, streamLine } from './stream-words.ts';

const LIVE_MS = 4_000;

const columns: Column<Stream>[] = [
  { key: 'at', header: 'When', width: '92px', cell: (stream) => <Time at={stream.startedAt} /> },
  {
    key: 'what',
    header: 'What',
    width: 'minmax(140px, 1fr)',
    cell: (stream) => (
      <span className="font-mono text-[12.5px]" title={streamLine(stream)}>
        {streamLine(stream)}
      </span>
    ),
  },
  {
    key: 'end',
    header: 'End',
    width: '110px',
    cell: (stream) => <span className="text-muted">{streamEnd(stream)}</span>,
  },
  {
    key: 'bytes',
    header: 'Bytes',
    width: '76px',
    wide: true,
    cell: ({ bytes: by, connections }) =>
      bytes(
        (by['stdin'] ?? 0) +
          (by['stdout'] ?? 0) +
          (by['stderr'] ?? 0) +
          connections.reduce((sum, { up, down }) => sum + up + down, 0),
      ),
  },
];

/** Exec, attach and port-forward of a session; a recorded one opens where `onReplay` is given. */
export function Streams({ session, onReplay }: { session: Session; onReplay: ((stream: Stream) => void) | null }) {
  const list = useQuery({
    queryKey: ['streams', session.id],
    queryFn: ({ signal }) => api.streams(session.id, signal),
    refetchInterval: session.state === 'ended' ? false : LIVE_MS,
  });
  if (list.error && !list.data) return <ProblemPanel error={list.error} retry={() => void list.refetch()} />;
  if (list.data === undefined) return <Waiting>Asking for the streams</Waiting>;
  if (list.data.items.length === 0)
    return (
      <Empty icon={Cable} title="No exec, attach or port-forward">
        What kubectl exec, cp, attach and port-forward do with this kubeconfig is here.
      </Empty>
    );
  return (
    <Table
      label="Exec, attach and port-forward"
      rows={list.data.items}
      columns={columns}
      rowKey={({ id }) => id}
      {...(onReplay ? { onOpen: (stream: Stream) => (stream.recorded ? onReplay(stream) : undefined) } : {})}
    />
  );
}
