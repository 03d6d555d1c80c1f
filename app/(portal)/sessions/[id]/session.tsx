'use client';
import { useQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import Link from 'next/link';
import { useEffect, useState } from 'react';
import type { Session } from '../../../../server/http/schemas.ts';
import { focusSession } from '../../../dock/actions.ts';
import { endDetail, endSentence } from '../../../dock/end-reason.ts';
import { EndSession } from '../../../dock/end-session.tsx';
import { ExtendButton } from '../../../dock/extend-button.tsx';
import { apiPaths, paths } from '../../../lib/paths.ts';
import { queries } from '../../../lib/queries.ts';
import { absoluteTime, bytes, duration } from '../../../lib/time.ts';
import { Button } from '../../../ui/button.tsx';
import { buttonClass } from '../../../ui/button-class.ts';
import { CopyButton } from '../../../ui/copy.tsx';
import { Icon } from '../../../ui/glyph.tsx';
import { Fact, Facts, PageBody, Waiting } from '../../../ui/layout.tsx';
import { ProblemPanel } from '../../../ui/problem.tsx';
import { ProductionMark, SessionStatus } from '../../../ui/status.tsx';
import { Time, useNow } from '../../../ui/time.tsx';
import { toast } from '../../../ui/toast.tsx';
import { Timeline } from './timeline.tsx';

const LIVE_MS = 5_000;

/** One access session: its facts, what it showed and what it did on the cluster. */
export function SessionPage({ id }: { id: string }) {
  const me = useQuery(queries.me());
  const query = useQuery({
    ...queries.session(id),
    refetchInterval: (state) => (state.state.data?.state === 'ended' ? false : LIVE_MS),
  });
  const session = query.data;
  const title = session && `${session.user.name} on ${session.cluster.name} · Sallyport`;
  useEffect(() => {
    if (title) document.title = title;
  }, [title]);
  if (!session || !me.data)
    return (
      <PageBody title="Session" wide>
        {(query.error ?? me.error) ? (
          <ProblemPanel error={query.error ?? me.error} retry={() => void query.refetch()} />
        ) : (
          <Waiting>Asking for the session</Waiting>
        )}
      </PageBody>
    );
  const own = session.user.id === me.data.id;
  const auditor = me.data.portal === 'auditor' || me.data.portal === 'admin';
  return (
    <PageBody
      wide
      title={
        <span className="flex flex-wrap items-center gap-2.5">
          {session.user.name} on {session.cluster.name}
          <ProductionMark production={session.cluster.production} />
          <span className="text-[13.5px] font-normal">
            <SessionStatus session={session} />
          </span>
        </span>
      }
      actions={<Actions session={session} own={own} admin={me.data.portal === 'admin'} auditor={auditor} />}
    >
      <Summary session={session} />
      <Timeline session={session} recording={auditor} />
    </PageBody>
  );
}

function Actions({
  session,
  own,
  admin,
  auditor,
}: {
  session: Session;
  own: boolean;
  admin: boolean;
  auditor: boolean;
}) {
  const [ending, setEnding] = useState(false);
  const lives = session.state === 'active' || session.state === 'opening' || session.state === 'dormant';
  const terminal = session.channel === 'terminal';
  return (
    <>
      {auditor && session.recordedBytes > 0 ? (
        <a className={buttonClass()} href={apiPaths.recordingCast(session.id)} download>
          <Icon of={Download} /> Download as asciicast
        </a>
      ) : null}
      {own && terminal ? <ExtendButton session={session} onExtended={() => toast('The session is extended.')} /> : null}
      {lives && (own || admin) ? (
        <Button kind="danger" onClick={() => setEnding(true)}>
          {terminal ? 'End…' : 'Revoke…'}
        </Button>
      ) : null}
      {lives && own && terminal ? (
        <Button kind={session.cluster.production ? 'prod' : 'primary'} onClick={() => focusSession(session)}>
          Go to terminal
        </Button>
      ) : null}
      <EndSession session={session} own={own} open={ending} onClose={() => setEnding(false)} />
    </>
  );
}

function Summary({ session }: { session: Session }) {
  const now = useNow(1000);
  const end = session.endedAt ? new Date(session.endedAt) : now;
  return (
    <details className="card mb-4" open={session.state !== 'ended' || session.recordedBytes === 0}>
      <summary className="px-4 py-2.5">
        {/* Beside the marker also where it wraps: narrower than the line by the marker. */}
        <span className="inline-flex max-w-[calc(100%-20px)] flex-wrap gap-x-4 gap-y-1 pl-1 align-top">
          <span>
            as <strong className="font-semibold">{session.role}</strong>
          </span>
          <span className="text-muted">
            opened <Time at={session.openedAt} />
          </span>
          <span className="text-muted">lasted {duration(end.getTime() - new Date(session.openedAt).getTime())}</span>
          {session.channel === 'terminal' ? (
            <span className="text-muted">recorded {bytes(session.recordedBytes)}</span>
          ) : null}
          {session.state === 'ended' ? (
            <span>
              {endSentence(session)} {endDetail(session)}
            </span>
          ) : null}
        </span>
      </summary>
      <div className="grid gap-x-10 gap-y-3 border-t px-4 py-3 lg:grid-cols-2">
        <Facts>
          <Fact name="Person">
            {session.user.name} · {session.user.email}
          </Fact>
          <Fact name="Cluster">
            <Link href={paths.cluster(session.cluster.name)} className="link">
              {session.cluster.name}
            </Link>
          </Fact>
          <Fact name="Account there">
            <code>{session.serviceAccount}</code>
          </Fact>
          <Fact name="Namespaces">{session.namespaces.join(', ') || 'all'}</Fact>
          <Fact name="Channel">{session.channel}</Fact>
          <Fact name="Session id">
            <code>{session.id}</code> <CopyButton bare text={session.id} label="Copy the session id" />
          </Fact>
          <Fact name="From">{session.clientAddress}</Fact>
        </Facts>
        <Facts>
          <Fact name="Opened">{absoluteTime(new Date(session.openedAt))}</Fact>
          {session.steps.map((step) => (
            <Fact key={step.name} name={`· ${step.name}`}>
              {step.ms === null ? 'running' : duration(step.ms)}
            </Fact>
          ))}
          {session.endedAt ? (
            <>
              <Fact name="Ended">{absoluteTime(new Date(session.endedAt))}</Fact>
              <Fact name="Why">
                {endSentence(session)} {endDetail(session)}
              </Fact>
            </>
          ) : (
            <>
              <Fact name={session.channel === 'terminal' ? 'Last input' : 'Last call'}>
                <Time at={session.lastInputAt} />
              </Fact>
              <Fact name="Ends at most">{absoluteTime(new Date(session.hardCapAt))}</Fact>
            </>
          )}
        </Facts>
      </div>
    </details>
  );
}
