import { Store } from '../lib/store.ts';

/** Whether the palette and the list of shortcuts are open: the header, keys and other parts open them. */
export const paletteOpen = new Store(false);
export const shortcutsOpen = new Store(false);
