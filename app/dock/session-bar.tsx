'use client';
import { Clock, FolderUp, Settings2, TriangleAlert } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import type { Session } from '../../server/http/schemas.ts';
import { absoluteTime, countdown } from '../lib/time.ts';
import { FilesDialog } from '../terminal/files-dialog.tsx';
import { existingTerminal } from '../terminal/registry.ts';
import { TerminalSettings } from '../terminal/settings.tsx';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/glyph.tsx';
import { useNow } from '../ui/time.tsx';
import { deadlineWords } from './end-reason.ts';
import { EndSession } from './end-session.tsx';
import { ExtendButton } from './extend-button.tsx';

/** Always in view above a terminal: where, as whom, that it is recorded, and when it ends. */
export function SessionBar({ session }: { session: Session }) {
  const [ending, setEnding] = useState(false);
  const [files, setFiles] = useState(false);
  const { cluster } = session;
  const live = session.state === 'active';
  return (
    <div
      className={`flex min-h-9 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 px-2.5 py-1 text-[12.5px] ${cluster.production ? 'bg-prod text-prod-fg' : 'border-b bg-surface'}`}
    >
      <span className="flex min-w-0 items-center gap-2">
        {cluster.production ? (
          <span className="rounded-[4px] bg-black/25 px-1.5 text-[10.5px] leading-[17px] font-bold tracking-[0.06em] uppercase">
            Production
          </span>
        ) : null}
        <strong className="truncate font-semibold">{cluster.name}</strong>
      </span>
      <span className="min-w-0 truncate" title={`Service account ${session.serviceAccount}`}>
        as <strong className="font-semibold">{session.role}</strong>
        <span className="hidden @[900px]:inline"> · {session.serviceAccount}</span>
      </span>
      {live ? (
        <span
          className="inline-flex items-center gap-1.5"
          title="Everything shown and typed here is recorded, passwords at no-echo prompts excepted"
        >
          <span
            aria-hidden="true"
            className={`size-2 rounded-full ring-2 ${cluster.production ? 'bg-white ring-white/35' : 'bg-bad ring-bad/25'}`}
          />
          Recorded
        </span>
      ) : null}
      {session.state === 'ending' ? (
        <span role="status">Ending: its account and container are being removed</span>
      ) : null}
      <span className="flex-1" />
      {live ? <EndsIn session={session} /> : null}
      {live ? (
        <span className="ml-auto flex items-center gap-1 text-text">
          <Button size="sm" icon aria-label="Files: upload, download" title="Files" onClick={() => setFiles(true)}>
            <Icon of={FolderUp} size={14} />
          </Button>
          <TerminalSettings>
            <Button size="sm" icon aria-label="Terminal settings" title="Terminal settings">
              <Icon of={Settings2} size={14} />
            </Button>
          </TerminalSettings>
          <Button size="sm" onClick={() => setEnding(true)}>
            End
          </Button>
        </span>
      ) : null}
      <EndSession session={session} own open={ending} onClose={() => setEnding(false)} />
      <FilesDialog session={session} open={files} onClose={() => setFiles(false)} />
    </div>
  );
}

/** The end, once it is near: counts down, and Extend puts it off where that is possible. */
function EndsIn({ session }: { session: Session }): ReactNode {
  const now = useNow(1000);
  const { deadline } = session;
  if (!deadline) return null;
  const left = new Date(deadline.at).getTime() - now.getTime();
  const title = `Ends ${absoluteTime(new Date(deadline.at))} (${deadlineWords(deadline.reason)})`;
  if (now.getTime() < new Date(deadline.warnAt).getTime())
    return (
      <span className="inline-flex items-center gap-1.5" title={title}>
        <Icon of={Clock} size={13} />
        {/* Read to everybody, shown where there is room. */}
        <span className="sr-only @[560px]:not-sr-only">ends at</span>
        {new Date(deadline.at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })}
      </span>
    );
  return (
    <span className="inline-flex items-center gap-2 rounded-md bg-warn-soft py-0.5 pr-0.5 pl-2 text-warn" title={title}>
      <Icon of={TriangleAlert} size={13} />
      <span role="timer">
        Ends in <strong>{countdown(left)}</strong> ({deadlineWords(deadline.reason)})
      </span>
      {/* The button goes with the warning: what is typed next is for the terminal. */}
      <ExtendButton session={session} size="sm" onExtended={() => existingTerminal(session.id)?.focus()} />
    </span>
  );
}
