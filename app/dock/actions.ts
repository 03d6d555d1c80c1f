/** What pages, palette and dock do with terminals. */
import type { Session } from '../../server/http/schemas.ts';
import { api } from '../lib/api.ts';
import { remember, remembered } from '../lib/storage.ts';
import { dropTerminal, existingTerminal } from '../terminal/registry.ts';
import { activate, addTab, changeTab, dock, removeTab, tabOf, type Tab } from './dock-store.ts';

/** Clusters that this browser started a shell on, the latest first. */
export function recentClusters(): string[] {
  return remembered<string[]>('recent', []);
}

/** A guess at the size of a pane before there is one: the shell starts right and is corrected if wrong. */
function guessedSize(): { cols: number; rows: number } {
  const clamp = (n: number, least: number, most: number) => Math.max(least, Math.min(most, Math.floor(n)));
  return {
    cols: clamp((window.innerWidth - 24) / 7.9, 20, 400),
    rows: clamp((window.innerHeight * dock.get().share - 90) / 17, 5, 200),
  };
}

const opening = new Map<string, AbortController>();

/**
 * Opens a session in a new tab. Failures are shown in that tab. While the portal is still being asked for one like it,
 * that one is shown: a key that repeats and a second click mean the same shell.
 */
export function startSession(cluster: { name: string; production: boolean }, role: string | null): void {
  const asked = dock
    .get()
    .tabs.find((tab) => opening.has(tab.key) && tab.cluster.name === cluster.name && tab.role === role);
  if (asked) return dock.update((state) => activate(state, asked.key));
  remember('recent', [cluster.name, ...recentClusters().filter((name) => name !== cluster.name)].slice(0, 50));
  const tab: Tab = {
    key: crypto.randomUUID(),
    sessionId: null,
    role,
    cluster: { name: cluster.name, production: cluster.production },
    openingSince: Date.now(),
  };
  dock.update((state) => addTab(state, tab));
  void open(tab);
}

/** The same cluster and role again, in the same tab. */
export function startAgain(key: string): void {
  const tab = dock.get().tabs.find((item) => item.key === key);
  if (!tab) return;
  if (tab.sessionId) dropTerminal(tab.sessionId);
  const fresh = { ...tab, sessionId: null, ticket: undefined, failure: undefined, openingSince: Date.now() };
  dock.update((state) => changeTab(state, key, fresh));
  void open(fresh);
}

async function open(tab: Tab): Promise<void> {
  const aborted = new AbortController();
  opening.set(tab.key, aborted);
  try {
    const { session, ticket } = await api.openSession({
      cluster: tab.cluster.name,
      ...(tab.role ? { role: tab.role } : {}),
      ...guessedSize(),
    });
    if (aborted.signal.aborted) {
      // It opened after all, for nobody.
      await api.endSession(session.id);
      return;
    }
    dock.update((state) => changeTab(state, tab.key, { sessionId: session.id, role: session.role, ticket }));
  } catch (failure) {
    if (!aborted.signal.aborted) dock.update((state) => changeTab(state, tab.key, { failure }));
  } finally {
    opening.delete(tab.key);
  }
}

/** Shows a running session: its tab, or a new one that attaches to it. */
export function focusSession(session: Pick<Session, 'id' | 'cluster' | 'role'>): void {
  const tab = dock.get().tabs.find((item) => item.sessionId === session.id);
  dock.update((state) => (tab ? activate(state, tab.key) : addTab(state, tabOf(session))));
  existingTerminal(session.id)?.focus();
}

/** Closes the tab. A session that still runs is detached by it, and ends by itself if nobody comes back. */
export function closeTab(key: string): void {
  const tab = dock.get().tabs.find((item) => item.key === key);
  opening.get(key)?.abort();
  if (tab?.sessionId) dropTerminal(tab.sessionId);
  dock.update((state) => removeTab(state, key));
}
