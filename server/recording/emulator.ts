/**
 * xterm.js without a screen, and the parts of its inside that a complete snapshot needs and its public API does not
 * show. Pinned by the property tests beside snapshot.ts, which compare this state after a restore.
 */
import { createRequire } from 'node:module';
import type { Unicode11Addon as Unicode11AddonType } from '@xterm/addon-unicode11';
import type { Terminal as TerminalType } from '@xterm/headless';
import { eraseAboveSafely } from '../../protocol/erase-above.ts';

// both packages are CommonJS that hides its names from import
const require = createRequire(import.meta.url);
const { Terminal } = require('@xterm/headless') as { Terminal: typeof TerminalType };
const { Unicode11Addon } = require('@xterm/addon-unicode11') as {
  Unicode11Addon: typeof Unicode11AddonType;
};

/** What a page that attaches, and each screen of a replay, gets back behind the screen. */
export const SCROLLBACK = 1000;

export type Attributes = { fg: number; bg: number; extended: Extended };
type Extended = { ext: number; _ext: number; urlId: number };
export type Cell = Attributes & { getChars(): string; getWidth(): number };
export type Line = { isWrapped: boolean; length: number; loadCell(column: number, cell: Cell): Cell };
export type Charset = object | undefined;

export type ScreenBuffer = {
  lines: { length: number; get(row: number): Line | undefined };
  x: number;
  y: number;
  ybase: number;
  scrollTop: number;
  scrollBottom: number;
  tabs: Record<number, boolean | undefined>;
  savedX: number;
  savedY: number;
  savedCurAttrData: Attributes;
  savedCharset: Charset;
  getNullCell(): Cell;
};

export type Inside = {
  buffers: { normal: ScreenBuffer; alt: ScreenBuffer; active: ScreenBuffer };
  coreService: {
    isCursorHidden: boolean;
    modes: { insertMode: boolean };
    decPrivateModes: {
      applicationCursorKeys: boolean;
      applicationKeypad: boolean;
      bracketedPasteMode: boolean;
      cursorBlink: boolean | undefined;
      cursorStyle: 'block' | 'underline' | 'bar' | undefined;
      origin: boolean;
      reverseWraparound: boolean;
      sendFocus: boolean;
      synchronizedOutput: boolean;
      wraparound: boolean;
    };
  };
  coreMouseService: { activeProtocol: string; activeEncoding: string };
  _charsetService: { charset: Charset; glevel: number; _charsets: Charset[] };
  _oscLinkService: { getLinkData(id: number): { id?: string; uri: string } | undefined };
  _inputHandler: {
    _curAttrData: Attributes;
    _windowTitle: string;
    _iconName: string;
    _parser: { currentState: number; precedingJoinState: number };
    _utf8Decoder: { interim: Uint8Array };
  };
};

export type Emulator = TerminalType;

/** An emulator set up as the pages' is. */
export function createEmulator(cols: number, rows: number): Emulator {
  const terminal = new Terminal({ cols, rows, scrollback: SCROLLBACK, allowProposedApi: true, logLevel: 'off' });
  terminal.loadAddon(new Unicode11Addon() as unknown as Parameters<Emulator['loadAddon']>[0]);
  terminal.unicode.activeVersion = '11';
  eraseAboveSafely(terminal);
  return terminal;
}

export function inside(emulator: Emulator): Inside {
  return (emulator as unknown as { _core: Inside })._core;
}

/** Resolves once the bytes are parsed. */
export function feed(emulator: Emulator, bytes: Uint8Array | string): Promise<void> {
  return new Promise((resolve) => emulator.write(bytes, resolve));
}

let designators: Map<Charset, string> | undefined;

/** The letter that designates a character set in `ESC ( …`. */
export async function charsetLetters(): Promise<Map<Charset, string>> {
  if (designators) return designators;
  const emulator = createEmulator(2, 1);
  const letters = new Map<Charset, string>();
  for (const letter of '0A4C5RQKYE6ZH7=') {
    await feed(emulator, `\x1b(${letter}`);
    const [charset] = inside(emulator)._charsetService._charsets;
    if (charset && !letters.has(charset)) letters.set(charset, letter);
  }
  emulator.dispose();
  letters.set(undefined, 'B');
  designators = letters;
  return letters;
}
