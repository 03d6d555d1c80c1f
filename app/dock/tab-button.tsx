'use client';
import { X } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { useStore } from '../lib/store.ts';
import { existingTerminal } from '../terminal/registry.ts';
import { Icon } from '../ui/glyph.tsx';
import { SessionStatus } from '../ui/status.tsx';
import { closeTab } from './actions.ts';
import { activate, dock, type Tab } from './dock-store.ts';
import { useSession } from './use-session.ts';

/** A terminal's tab: its cluster, production by colour and word, and whether it still runs. */
export function TabButton({ tab }: { tab: Tab }) {
  const { active } = useStore(dock);
  const selected = tab.key === active;
  const session = useSession(tab.sessionId).data;
  const place = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (selected) place.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [selected]);
  const name = `${tab.cluster.name}${tab.role ? ` as ${tab.role}` : ''}`;
  const edge = tab.cluster.production
    ? 'shadow-[inset_0_3px_0_var(--prod)]'
    : selected
      ? 'shadow-[inset_0_2px_0_var(--accent)]'
      : '';
  return (
    <li
      ref={place}
      className={`flex max-w-[260px] min-w-[120px] shrink-0 items-center border-r ${selected ? 'bg-surface' : 'text-muted hover:text-text'} ${edge}`}
    >
      <button
        type="button"
        aria-current={selected ? 'true' : undefined}
        className="flex h-full min-w-0 flex-1 items-center gap-2 pl-3 text-left -outline-offset-2"
        title={name}
        onClick={() => {
          dock.update((state) => activate(state, tab.key));
          if (tab.sessionId) existingTerminal(tab.sessionId)?.focus();
        }}
        onAuxClick={(event) => {
          if (event.button === 1) closeTab(tab.key);
        }}
      >
        <span className={`truncate ${selected ? 'font-medium' : ''}`}>{tab.cluster.name}</span>
        {tab.cluster.production ? (
          <span className="text-[10.5px] font-bold tracking-wide text-prod-text uppercase">Prod</span>
        ) : null}
        {session?.state === 'ended' ? (
          <span className="text-[12px]">
            <SessionStatus session={session} />
          </span>
        ) : (
          <span className="max-w-[110px] shrink-0 truncate text-[12px] text-muted">{tab.role}</span>
        )}
      </button>
      <button
        type="button"
        aria-label={`Close the tab ${name}`}
        title="Close the tab; a session that runs is left detached"
        className="mx-1 grid size-6 shrink-0 place-items-center rounded text-muted hover:bg-hover hover:text-text"
        onClick={() => closeTab(tab.key)}
      >
        <Icon of={X} size={12} />
      </button>
    </li>
  );
}
