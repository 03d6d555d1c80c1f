'use client';
import Link from 'next/link';
import { paths } from '../lib/paths.ts';
import { useNonce } from '../providers.tsx';
import { existingTerminal, terminalOf } from '../terminal/registry.ts';
import { TerminalPane } from '../terminal/terminal-pane.tsx';
import { Waiting } from '../ui/layout.tsx';
import { ProblemPanel } from '../ui/problem.tsx';
import { closeTab, startAgain } from './actions.ts';
import type { Tab } from './dock-store.ts';
import { Ended } from './ended.tsx';
import { Opening } from './opening.tsx';
import { SessionBar } from './session-bar.tsx';
import { useKeepSession, useSession } from './use-session.ts';

/** One tab's content: the opening, the terminal, or why there is none. */
export function Pane({ tab, active }: { tab: Tab; active: boolean }) {
  if (tab.failure)
    return (
      <div className="flex min-w-0 flex-1">
        <div className="m-auto w-[min(560px,92%)] py-6">
          <ProblemPanel error={tab.failure} retry={() => startAgain(tab.key)} />
        </div>
      </div>
    );
  if (!tab.sessionId)
    return (
      <div className="flex min-w-0 flex-1">
        <Opening tab={tab} />
      </div>
    );
  return (
    <SessionTerminal
      key={tab.sessionId}
      id={tab.sessionId}
      ticket={tab.ticket}
      active={active}
      onStartAgain={() => startAgain(tab.key)}
      onClose={() => closeTab(tab.key)}
    />
  );
}

/** A session's bar, terminal and end, in the dock or in a window of its own. */
export function SessionTerminal({
  id,
  ticket,
  active,
  onStartAgain,
  onClose,
}: {
  id: string;
  ticket?: string | undefined;
  active: boolean;
  onStartAgain?: () => void;
  onClose?: () => void;
}) {
  const nonce = useNonce();
  const keep = useKeepSession();
  const query = useSession(id);
  const session = query.data;
  if (query.error && !session)
    return (
      <div className="flex min-w-0 flex-1">
        <div className="m-auto w-[min(560px,92%)] py-6">
          <ProblemPanel error={query.error} retry={() => void query.refetch()}>
            <Link href={paths.sessions()} className="link mt-1 inline-block">
              To the sessions
            </Link>
          </ProblemPanel>
        </div>
      </div>
    );
  return (
    <div className="@container flex min-h-0 min-w-0 flex-1 flex-col">
      {session ? <SessionBar session={session} /> : null}
      {!ticket && (!session || session.state === 'opening') ? (
        <div className="m-auto">
          <Waiting>{session ? 'The session is still opening' : 'Asking for the session'}</Waiting>
        </div>
      ) : session?.state === 'ended' && !existingTerminal(id) ? (
        <p className="m-auto px-4 text-muted">Its last screen is not on this page any more; the recording has it.</p>
      ) : (
        <TerminalPane
          make={() => terminalOf(id, { nonce, onSession: keep, ticket })}
          sessionId={id}
          active={active}
          ended={session?.state === 'ended'}
          recheck={() => void query.refetch()}
        />
      )}
      {session?.state === 'ended' ? <Ended session={session} onStartAgain={onStartAgain} onClose={onClose} /> : null}
    </div>
  );
}
