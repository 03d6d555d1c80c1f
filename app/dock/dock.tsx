'use client';
import { ChevronDown, ChevronUp, Columns2, ExternalLink, Maximize2, Minimize2, type LucideIcon } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { paths } from '../lib/paths.ts';
import { useStore } from '../lib/store.ts';
import { inTerminal } from '../shell/keys.ts';
import { existingTerminal } from '../terminal/registry.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/glyph.tsx';
import { closeTab } from './actions.ts';
import { dock, restoreDock, toggleSplit, type DockMode } from './dock-store.ts';
import { Pane } from './pane.tsx';
import { Resizer } from './resizer.tsx';
import { TabButton } from './tab-button.tsx';

let restoredOnce = false;

function setMode(mode: DockMode): void {
  dock.update((state) => ({ ...state, mode }));
}

/** What is typed next is for the terminal: its buttons do not keep the keyboard. */
function focusActive(): void {
  const { tabs, active } = dock.get();
  const tab = tabs.find((item) => item.key === active);
  if (tab?.sessionId) existingTerminal(tab.sessionId)?.focus();
}

/** Ctrl-`: to the active terminal, and from it back to the page. */
function onKey(event: KeyboardEvent): void {
  if (event.key !== '`' || !event.ctrlKey || event.altKey || event.metaKey) return;
  const { tabs, active, mode } = dock.get();
  const tab = tabs.find((item) => item.key === active);
  if (!tab) return;
  event.preventDefault();
  if (inTerminal(event)) document.getElementById('page')?.focus();
  else {
    if (mode === 'collapsed') setMode('open');
    focusActive();
  }
}

/** Terminals below every page. It is in the layout, so going from page to page leaves it alone. */
export function Dock() {
  const state = useStore(dock);
  const root = useRef<HTMLElement>(null);

  useEffect(() => {
    if (!restoredOnce) restoreDock();
    restoredOnce = true;
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);

  if (state.tabs.length === 0) return null;
  const active = state.tabs.find((tab) => tab.key === state.active);
  const beside = state.tabs.find((tab) => tab.key === state.beside);
  const shown = state.mode !== 'collapsed';
  const maximised = state.mode === 'maximised';

  const popOut = () => {
    if (!active?.sessionId) return;
    window.open(paths.terminal(active.sessionId), `sallyport-${active.sessionId}`, 'width=960,height=600');
    closeTab(active.key);
  };

  return (
    <section
      ref={root}
      aria-label="Terminals"
      className={`flex flex-col border-t border-line-strong bg-surface ${maximised ? 'absolute inset-0 z-30' : 'relative shrink-0'}`}
      style={state.mode === 'open' ? { height: `${Math.round(state.share * 100)}%` } : undefined}
    >
      {state.mode === 'open' ? <Resizer root={root} /> : null}
      <div className="flex h-9 shrink-0 items-stretch gap-1 border-b bg-sunken pr-1">
        <ul aria-label="Terminal tabs" className="flex min-w-0 flex-1 items-stretch overflow-x-auto">
          {state.tabs.map((tab) => (
            <TabButton key={tab.key} tab={tab} />
          ))}
        </ul>
        <div className="flex items-center gap-0.5">
          <span className="hidden md:inline">
            <DockButton
              icon={Columns2}
              label={beside ? 'One terminal' : 'Two terminals side by side'}
              blocked={state.tabs.length < 2 ? 'needs a second terminal' : null}
              onClick={() => {
                dock.update(toggleSplit);
                focusActive();
              }}
            />
          </span>
          <DockButton
            icon={ExternalLink}
            label="Into a window of its own"
            blocked={active?.sessionId ? null : 'it is not open yet'}
            onClick={popOut}
          />
          <DockButton
            icon={maximised ? Minimize2 : Maximize2}
            label={maximised ? 'Smaller' : 'Maximise'}
            onClick={() => {
              setMode(maximised ? 'open' : 'maximised');
              focusActive();
            }}
          />
          <DockButton
            icon={shown ? ChevronDown : ChevronUp}
            label={shown ? 'Fold the terminals away' : 'Show the terminals'}
            onClick={() => {
              setMode(shown ? 'collapsed' : 'open');
              if (!shown) focusActive();
            }}
          />
        </div>
      </div>
      {shown && active ? (
        <div
          role="group"
          aria-label={`Terminal on ${active.cluster.name}`}
          className="flex min-h-0 flex-1 divide-x"
          onClickCapture={(event) => {
            // A maximised dock would cover the page that a link of it leads to.
            if (maximised && event.target instanceof Element && event.target.closest('a[href^="/"]')) setMode('open');
          }}
        >
          <Pane key={active.key} tab={active} active />
          {beside ? (
            // Half of a narrow window is no terminal.
            <div className="hidden min-w-0 flex-1 md:flex">
              <Pane key={beside.key} tab={beside} active={false} />
            </div>
          ) : null}
        </div>
      ) : null}
    </section>
  );
}

function DockButton({
  icon,
  label,
  blocked,
  onClick,
}: {
  icon: LucideIcon;
  label: string;
  blocked?: string | null;
  onClick: () => void;
}) {
  return (
    <Button
      kind="ghost"
      size="sm"
      icon
      aria-label={blocked ? `${label} (${blocked})` : label}
      title={label}
      blocked={blocked ?? null}
      onClick={onClick}
    >
      <Icon of={icon} size={14} />
    </Button>
  );
}
