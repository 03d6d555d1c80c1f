import { remember, remembered } from '../lib/storage.ts';
import { Store } from '../lib/store.ts';

export type Theme = 'system' | 'light' | 'dark';
export const themes: { value: Theme; label: string }[] = [
  { value: 'system', label: 'As the system' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
];

export const theme = new Store<Theme>(typeof window === 'undefined' ? 'system' : remembered('theme', 'system'));

/** Applies at once and is remembered; the root layout applies it before the first paint of the next page load. */
export function setTheme(value: Theme): void {
  theme.set(value);
  remember('theme', value);
  if (value === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
}
