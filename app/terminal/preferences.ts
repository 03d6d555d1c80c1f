import { remember, remembered } from '../lib/storage.ts';
import { Store } from '../lib/store.ts';

/** A person's taste in terminals; the same in each of this browser's tabs, from the next page load on. */
export type Preferences = {
  scheme: 'dark' | 'light' | 'contrast';
  fontSize: number;
  screenReader: boolean;
  /** What Ctrl-V does: most expect a paste, vim users their block selection. */
  ctrlV: 'paste' | 'send';
};

export const FONT_SIZES = { least: 9, most: 28 };
const defaults: Preferences = { scheme: 'dark', fontSize: 13, screenReader: false, ctrlV: 'paste' };

export const preferences = new Store<Preferences>(
  typeof window === 'undefined' ? defaults : { ...defaults, ...remembered<Partial<Preferences>>('terminal', {}) },
);

export function setPreferences(change: Partial<Preferences>): void {
  preferences.update((old) => {
    const next = { ...old, ...change };
    next.fontSize = Math.min(FONT_SIZES.most, Math.max(FONT_SIZES.least, next.fontSize));
    return next;
  });
  remember('terminal', preferences.get());
}
