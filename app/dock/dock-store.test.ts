import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  activate,
  addTab,
  changeTab,
  emptyDock,
  removeTab,
  toggleSplit,
  type DockState,
  type Tab,
} from './dock-store.ts';

const tab = (key: string): Tab => ({
  key,
  cluster: { name: key, production: false },
  role: 'developer',
  sessionId: key,
});
const withTabs = (...keys: string[]) => keys.reduce((state, key) => addTab(state, tab(key)), emptyDock);

test('a new tab is active and opens the dock', () => {
  expect(withTabs('a', 'b')).toMatchObject({ active: 'b', mode: 'open' });
});

test('the neighbour takes the place of a closed tab', () => {
  expect(removeTab(activate(withTabs('a', 'b', 'c'), 'b'), 'b').active).toBe('c');
  expect(removeTab(withTabs('a', 'b'), 'b').active).toBe('a');
  expect(removeTab(withTabs('a'), 'a')).toMatchObject({ active: null, mode: 'collapsed' });
});

test('split puts the next tab beside, and activating that one swaps the two', () => {
  const split = toggleSplit(withTabs('a', 'b'));
  expect(split).toMatchObject({ active: 'b', beside: 'a' });
  expect(activate(split, 'a')).toMatchObject({ active: 'a', beside: 'b' });
  expect(toggleSplit(split).beside).toBeNull();
});

test('a change touches its tab only', () => {
  const state = changeTab(withTabs('a', 'b'), 'a', { role: 'admin' });
  expect(state.tabs.map(({ role }) => role)).toEqual(['admin', 'developer']);
});

test('whatever is done, active and beside are two tabs that exist', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.oneof(
    key.map((k) => (s: DockState) => (s.tabs.some((t) => t.key === k) ? s : addTab(s, tab(k)))),
    key.map((k) => (s: DockState) => removeTab(s, k)),
    key.map((k) => (s: DockState) => (s.tabs.some((t) => t.key === k) ? activate(s, k) : s)),
    fc.constant(toggleSplit),
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const state = steps.reduce((s, act) => act(s), emptyDock);
      const keys = state.tabs.map((t) => t.key);
      if (keys.length) expect(keys).toContain(state.active);
      else expect(state.active).toBeNull();
      if (state.beside) {
        expect(keys).toContain(state.beside);
        expect(state.beside).not.toBe(state.active);
      }
    }),
  );
});
