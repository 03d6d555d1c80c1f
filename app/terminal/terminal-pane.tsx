'use client';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useStore } from '../lib/store.ts';
import { bytes } from '../lib/time.ts';
import { toSignIn } from '../lib/api.ts';
import { Button } from '../ui/button.tsx';
import type { TerminalController, TerminalView } from './controller.ts';
import { PasteDialog } from './paste-dialog.tsx';
import { preferences } from './preferences.ts';
import { schemes } from './schemes.ts';
import { SearchBar } from './search-bar.tsx';
import { useDropUpload } from './use-drop-upload.tsx';

const RECHECK_MS = 1_000;

/** A live terminal in a pane, with what it has to say above it. */
export function TerminalPane({
  make,
  sessionId,
  active,
  ended,
  recheck,
}: {
  make: () => TerminalController;
  sessionId: string;
  active: boolean;
  ended: boolean;
  /** The connection ended for good: the session itself says why. */
  recheck: () => void;
}) {
  const host = useRef<HTMLDivElement>(null);
  const [controller, setController] = useState<TerminalController | null>(null);
  // The registry makes one controller a session, whoever asks first.
  const factory = useRef(make);
  useEffect(() => {
    const terminal = factory.current();
    setController(terminal);
    const unmount = terminal.mount(host.current!);
    return unmount;
  }, []);
  useEffect(() => {
    if (active) controller?.focus();
  }, [active, controller]);
  const { scheme } = useStore(preferences);
  const drop = useDropUpload(sessionId, !ended);
  return (
    <div
      className="relative flex min-h-0 flex-1 flex-col"
      style={{ background: schemes[scheme].theme.background }}
      {...drop.handlers}
    >
      {controller ? <Notices controller={controller} ended={ended} recheck={recheck} /> : null}
      <div ref={host} className="min-h-0 flex-1 overflow-hidden pt-1.5 pl-2" />
      {drop.overlay}
    </div>
  );
}

function Notices({
  controller,
  ended,
  recheck,
}: {
  controller: TerminalController;
  ended: boolean;
  recheck: () => void;
}) {
  const view = useStore(controller.view);
  const { kind } = view.status;
  const again = useRef(recheck);
  useEffect(() => {
    again.current = recheck;
  });
  useEffect(() => {
    if (kind !== 'gone' || ended) return;
    again.current();
    // The socket can close a moment before the session says that it ends.
    const timer = setInterval(() => again.current(), RECHECK_MS);
    return () => clearInterval(timer);
  }, [kind, ended]);
  return (
    <>
      {ended ? null : (
        // Over the screen: a notice that took rows would change the shell's size as the connection comes and goes, and
        // bash would draw its line anew in the midst of what was typed meanwhile.
        <div className="absolute inset-x-0 top-0 z-10">
          <ConnectionNotice controller={controller} view={view} />
        </div>
      )}
      {view.banner && !ended ? (
        <Notice
          tone={view.banner.kind}
          actions={
            <Button size="sm" onClick={() => controller.set({ banner: null })}>
              Close
            </Button>
          }
        >
          {view.banner.text}
        </Notice>
      ) : null}
      {view.pasting ? (
        <Notice
          tone="info"
          actions={
            <Button size="sm" onClick={() => controller.cancelPaste()}>
              Stop pasting
            </Button>
          }
        >
          Pasting: {bytes(view.pasting.sent)} of {bytes(view.pasting.total)}
          <progress
            className="ml-3 align-middle"
            aria-label="Paste"
            max={view.pasting.total}
            value={view.pasting.sent}
          />
        </Notice>
      ) : null}
      {view.clipboard !== null ? (
        <Notice
          tone="warning"
          actions={
            <>
              <Button size="sm" onClick={() => void controller.answerClipboard('once')}>
                Allow once
              </Button>
              <Button size="sm" onClick={() => void controller.answerClipboard('always')}>
                Allow in this terminal
              </Button>
              <Button size="sm" onClick={() => void controller.answerClipboard('no')}>
                Refuse
              </Button>
            </>
          }
        >
          A program in this shell wants to put {view.clipboard.length.toLocaleString('en')} characters into your
          clipboard: <code>{view.clipboard.slice(0, 60)}</code>
          {view.clipboard.length > 60 ? '…' : ''}
        </Notice>
      ) : null}
      {view.overflow ? (
        <Notice tone="warning">
          The portal takes no more input at the moment; what you type now is not sent. It continues by itself.
        </Notice>
      ) : null}
      {view.searching ? (
        <SearchBar
          search={controller.search}
          onClose={() => {
            controller.set({ searching: false });
            controller.focus();
          }}
        />
      ) : null}
      <PasteDialog question={view.question} onAnswer={(yes) => controller.answerPaste(yes)} />
    </>
  );
}

function ConnectionNotice({ controller, view }: { controller: TerminalController; view: TerminalView }) {
  const { status } = view;
  switch (status.kind) {
    case 'open':
    case 'gone':
      return null;
    case 'connecting':
      return (
        <div className="appear">
          <Notice tone="info">{view.shown || status.attempt ? 'Connecting again' : 'Connecting'}…</Notice>
        </div>
      );
    case 'waiting':
      return (
        <Notice
          tone="warning"
          actions={
            <Button size="sm" onClick={() => controller.retryNow()}>
              Try now
            </Button>
          }
        >
          The connection is lost; the session runs on. What you type is kept and sent once it is back (attempt{' '}
          {status.attempt}).
        </Notice>
      );
    case 'superseded':
      return (
        <Notice
          tone="warning"
          actions={
            <Button size="sm" kind="primary" onClick={() => controller.takeBack()}>
              Take back
            </Button>
          }
        >
          Another page holds this session now. This screen no longer changes.
        </Notice>
      );
    case 'signed-out':
      return (
        <Notice
          tone="error"
          actions={
            <Button size="sm" onClick={() => toSignIn('expired')}>
              Sign in
            </Button>
          }
        >
          You are signed out.
        </Notice>
      );
  }
}

const tones = {
  info: 'bg-accent-soft',
  warning: 'bg-warn-soft',
  error: 'bg-bad-soft',
};

function Notice({ tone, children, actions }: { tone: keyof typeof tones; children: ReactNode; actions?: ReactNode }) {
  return (
    <div
      role={tone === 'error' ? 'alert' : 'status'}
      // As high without a button as with one: each change of height is a change of the terminal's size.
      className={`flex min-h-[39px] shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b px-3 py-1.5 text-text ${tones[tone]}`}
    >
      <p className="min-w-0 flex-1 break-words">{children}</p>
      {actions ? <div className="flex gap-1.5">{actions}</div> : null}
    </div>
  );
}
