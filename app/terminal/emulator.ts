/** xterm with what both the live terminal and the replay need: fonts, colours, Unicode, links, search, fitting. */
import '@xterm/xterm/css/xterm.css';
import type { FitAddon } from '@xterm/addon-fit';
import type { SearchAddon } from '@xterm/addon-search';
import type { Terminal } from '@xterm/xterm';
import { eraseAboveSafely } from '../../protocol/erase-above.ts';
import { documentWithNonce, openWithNonce } from './nonce-document.ts';
import { preferences, type Preferences } from './preferences.ts';
import { schemes } from './schemes.ts';

export type Emulator = {
  term: Terminal;
  fit: FitAddon;
  search: SearchAddon;
  /** Puts it into an element of the page, once. */
  open: (parent: HTMLElement) => void;
  dispose: () => void;
};

/** As much as a reattached page gets back (issue: 1,000 lines), with room for a long look back on a live one. */
const SCROLLBACK_LINES = 10_000;

/** WCAG AA, and AAA for who asks for it: programs choose pairs of colours that a scheme alone cannot keep readable. */
function leastContrast(scheme: Preferences['scheme']): number {
  return scheme === 'contrast' ? 7 : 4.5;
}

function openLink(address: string): void {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return;
  }
  // What a program prints is not trusted: no javascript:, no file:, and the page that opens knows nothing of ours.
  if (url.protocol === 'https:' || url.protocol === 'http:') window.open(url, '_blank', 'noopener,noreferrer');
}

/** Loads xterm (a chunk of its own) and makes one, not yet in the page. */
export async function makeEmulator(nonce: string | undefined, interactive: boolean): Promise<Emulator> {
  const [{ Terminal }, { FitAddon }, { SearchAddon }, { Unicode11Addon }, { WebLinksAddon }] = await Promise.all([
    import('@xterm/xterm'),
    import('@xterm/addon-fit'),
    import('@xterm/addon-search'),
    import('@xterm/addon-unicode11'),
    import('@xterm/addon-web-links'),
    // Cells are measured from the font: it must be there before the first measure.
    document.fonts.load('13px "JetBrains Mono Variable"').catch(() => []),
  ]);
  const taste = preferences.get();
  const term = new Terminal({
    allowProposedApi: true,
    documentOverride: documentWithNonce(nonce),
    fontFamily: '"JetBrains Mono Variable", ui-monospace, Menlo, Consolas, monospace',
    fontSize: taste.fontSize,
    lineHeight: 1.15,
    scrollback: SCROLLBACK_LINES,
    cursorBlink: interactive,
    disableStdin: !interactive,
    screenReaderMode: taste.screenReader,
    theme: schemes[taste.scheme].theme,
    minimumContrastRatio: leastContrast(taste.scheme),
    macOptionIsMeta: true,
    rightClickSelectsWord: false,
    linkHandler: {
      activate: (_event, address) => openLink(address),
      hover: (_event, address) => term.element?.setAttribute('title', address),
      leave: () => term.element?.removeAttribute('title'),
    },
  });
  const fit = new FitAddon();
  const search = new SearchAddon();
  term.loadAddon(fit);
  term.loadAddon(search);
  term.loadAddon(new Unicode11Addon());
  term.loadAddon(new WebLinksAddon((_event, address) => openLink(address)));
  term.unicode.activeVersion = '11';
  eraseAboveSafely(term);
  const unsubscribe = preferences.subscribe(() => {
    const next = preferences.get();
    term.options.theme = schemes[next.scheme].theme;
    term.options.minimumContrastRatio = leastContrast(next.scheme);
    term.options.fontSize = next.fontSize;
    term.options.screenReaderMode = next.screenReader;
  });
  return {
    term,
    fit,
    search,
    open: (parent) => {
      if (!term.element) openWithNonce(term, parent, nonce);
    },
    dispose: () => {
      unsubscribe();
      term.dispose();
    },
  };
}
