'use client';
import { Film } from 'lucide-react';
import { useSearchParams } from 'next/navigation';
import type { ReactNode } from 'react';
import type { Session } from '../../../../server/http/schemas.ts';
import { apiPaths } from '../../../lib/paths.ts';
import { toProblem } from '../../../lib/problem.ts';
import { useSearch } from '../../../lib/use-search.ts';
import { useStore } from '../../../lib/store.ts';
import type { Player } from '../../../replay/player.ts';
import { Replay } from '../../../replay/replay.tsx';
import { useRecording } from '../../../replay/use-recording.ts';
import { Button } from '../../../ui/button.tsx';
import { Empty, Waiting } from '../../../ui/layout.tsx';
import { ProblemPanel } from '../../../ui/problem.tsx';
import { Calls } from './calls.tsx';
import { Streams } from './streams.tsx';

/** The session on one clock: what it showed beside what it did on the cluster. */
export function Timeline({ session, recording }: { session: Session; recording: boolean }) {
  const terminal = session.channel === 'terminal';
  if (!terminal) return <OwnTools session={session} auditor={recording} />;
  if (!recording)
    return (
      <Side label="Calls to the cluster" alone>
        <Calls session={session} at={null} onSeek={null} />
        <p className="mt-2 text-muted">The recording itself is for auditors.</p>
      </Side>
    );
  return <WithRecording session={session} recording={apiPaths.recording(session.id)} />;
}

/** Of a kubeconfig: its exec, attach and port-forward, each with a recording of its own, and its calls. */
function OwnTools({ session, auditor }: { session: Session; auditor: boolean }) {
  const [search, setSearch] = useSearch();
  const stream = search.get('stream');
  if (auditor && stream)
    return (
      <>
        <Button size="sm" className="mb-2" onClick={() => setSearch({ stream: null })}>
          All streams of the session
        </Button>
        <WithRecording session={session} recording={apiPaths.streamRecording(session.id, stream)} />
      </>
    );
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      <Side label="Exec, attach and port-forward" alone>
        <Streams session={session} onReplay={auditor ? (one) => setSearch({ stream: one.id }) : null} />
        {auditor ? null : <p className="mt-2 text-muted">The recordings themselves are for auditors.</p>}
      </Side>
      <Side label="Calls to the cluster" alone>
        <Calls session={session} at={null} onSeek={null} />
      </Side>
    </div>
  );
}

function WithRecording({ session, recording }: { session: Session; recording: string }) {
  const loaded = useRecording(recording, session.state !== 'ended');
  const startAt = Number(useSearchParams().get('at')) || 0;
  // Where nothing was recorded there may be no recording to ask for: that is no failure.
  const shell = session.channel === 'terminal';
  const none =
    loaded.state === 'failed' && shell && session.recordedBytes === 0 && toProblem(loaded.error).status === 404;
  const empty = none || (loaded.state === 'ready' && loaded.player.log.records.length === 0);
  return (
    <div className="grid gap-4 lg:h-[max(560px,calc(100dvh-210px))] lg:grid-cols-[minmax(0,1.75fr)_minmax(320px,1fr)]">
      <div className="flex h-[62vh] min-h-0 min-w-0 flex-col lg:h-auto">
        {empty ? (
          <Empty icon={Film} title="Nothing was recorded">
            {!shell
              ? 'The stream carried nothing.'
              : session.state === 'ended'
                ? 'The session ended before its shell showed anything.'
                : 'Its shell has shown nothing yet.'}
          </Empty>
        ) : loaded.state === 'failed' ? (
          <ProblemPanel error={loaded.error} />
        ) : loaded.state === 'loading' ? (
          <Waiting>{`Loading the recording ${loaded.progress}`}</Waiting>
        ) : (
          <Replay recording={recording} player={loaded.player} version={loaded.version} startAt={startAt} />
        )}
      </div>
      <Side label="Calls to the cluster">
        {loaded.state === 'ready' && !empty ? (
          <CallsOnClock session={session} player={loaded.player} />
        ) : (
          <Calls session={session} at={null} onSeek={null} />
        )}
      </Side>
    </div>
  );
}

function CallsOnClock({ session, player }: { session: Session; player: Player }) {
  const { atMs } = useStore(player.view);
  const start = player.log.startMs ?? 0;
  return <Calls session={session} at={start + atMs} onSeek={(ms) => void player.seek(ms - start)} />;
}

function Side({ label, alone, children }: { label: string; alone?: boolean; children: ReactNode }) {
  return (
    <section
      aria-label={label}
      className={`flex min-h-0 min-w-0 flex-col ${alone ? 'h-[60vh]' : 'h-[60vh] lg:h-auto'}`}
    >
      <h2 className="mb-2">{label}</h2>
      {children}
    </section>
  );
}
