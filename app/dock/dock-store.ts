/** The dock's tabs and shape: pure changes over one store, remembered per browser tab so that a reload keeps them. */
import type { Session } from '../../server/http/schemas.ts';
import { Store } from '../lib/store.ts';

export type Tab = {
  key: string;
  cluster: { name: string; production: boolean };
  /** Null where the portal chooses: the person has one role there. */
  role: string | null;
  /** Null while it opens, and where opening failed. */
  sessionId: string | null;
  /** Came with the opened session; used once. */
  ticket?: string | undefined;
  openingSince?: number;
  failure?: unknown;
};

export type DockMode = 'collapsed' | 'open' | 'maximised';

export type DockState = {
  tabs: Tab[];
  active: string | null;
  /** Shown to the right of the active tab. */
  beside: string | null;
  mode: DockMode;
  /** Share of the window's height. */
  share: number;
};

export const emptyDock: DockState = { tabs: [], active: null, beside: null, mode: 'collapsed', share: 0.5 };

export function addTab(state: DockState, tab: Tab): DockState {
  return {
    ...state,
    tabs: [...state.tabs, tab],
    active: tab.key,
    mode: state.mode === 'collapsed' ? 'open' : state.mode,
  };
}

export function changeTab(state: DockState, key: string, change: Partial<Tab>): DockState {
  return { ...state, tabs: state.tabs.map((tab) => (tab.key === key ? { ...tab, ...change } : tab)) };
}

/** The neighbour takes the place of a closed tab; a dock without tabs is gone. */
export function removeTab(state: DockState, key: string): DockState {
  const at = state.tabs.findIndex((tab) => tab.key === key);
  const tabs = state.tabs.filter((tab) => tab.key !== key);
  const neighbour = tabs[Math.min(at, tabs.length - 1)]?.key ?? null;
  const active = state.active === key ? neighbour : state.active;
  const beside = state.beside === key || state.beside === active ? null : state.beside;
  return { ...state, tabs, active, beside, mode: tabs.length ? state.mode : 'collapsed' };
}

export function activate(state: DockState, key: string): DockState {
  const beside = state.beside === key ? state.active : state.beside;
  return { ...state, active: key, beside, mode: state.mode === 'collapsed' ? 'open' : state.mode };
}

/** Puts another tab beside the active one, the next in order; or takes it away. */
export function toggleSplit(state: DockState): DockState {
  if (state.beside) return { ...state, beside: null };
  const at = state.tabs.findIndex((tab) => tab.key === state.active);
  const other = state.tabs[at + 1] ?? state.tabs[at - 1];
  return { ...state, beside: other?.key ?? null };
}

const KEY = 'sallyport.dock';

function restored(): DockState {
  try {
    const saved = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as DockState | null;
    return saved && Array.isArray(saved.tabs) ? { ...emptyDock, ...saved } : emptyDock;
  } catch {
    return emptyDock;
  }
}

export const dock = new Store<DockState>(emptyDock);

/** Called once in the browser: restores what this tab had before a reload, and keeps it from then on. */
export function restoreDock(): void {
  const saved = restored();
  if (saved.tabs.length && dock.get().tabs.length === 0) dock.set(saved);
  dock.subscribe(() => {
    const state = dock.get();
    const tabs = state.tabs
      .filter((tab) => tab.sessionId)
      .map(({ key, cluster, role, sessionId }) => ({ key, cluster, role, sessionId }));
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ ...state, tabs }));
    } catch {
      // Storage refused: the dock is then empty after a reload, and the start page offers the running sessions.
    }
  });
}

export function tabOf(session: Pick<Session, 'id' | 'cluster' | 'role'>): Tab {
  return {
    key: session.id,
    sessionId: session.id,
    role: session.role,
    cluster: { name: session.cluster.name, production: session.cluster.production },
  };
}
