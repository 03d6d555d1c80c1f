/**
 * Whether input came from a person. An emulator also writes by itself: it answers queries of the program and reports
 * focus. Those keep no session alive (idle clock), or a program that asks for the cursor each second would.
 */

const CSI = String.raw`\x1b\[`;
/** A string's end: ST, or BEL as xterm takes it. */
const END = String.raw`(?:\x1b\\|\x07)`;

/** What an emulator sends without a person, by the name that the xterm control sequences document gives it. */
const REPLIES: Record<string, string> = {
  'primary, secondary, tertiary device attributes': `${CSI}[?>=][0-9;]*c`,
  'device status, cursor position (also DECXCPR)': `${CSI}\\??[0-9;]+[nR]`,
  'DECRPM: mode report': `${CSI}\\??[0-9;]+\\$y`,
  'DECREPTPARM: terminal parameters': `${CSI}[0-9;]+x`,
  'XTWINOPS: window and cell sizes': `${CSI}[0-9;]+t`,
  'window title and icon label': `\\x1b\\][lL][^\\x1b\\x07]*${END}`,
  'colours: OSC 4, 10 to 19, and their kin': `\\x1b\\][0-9;]+(?:rgba?:|\\?)[^\\x1b\\x07]*${END}`,
  'clipboard: OSC 52': `\\x1b\\]52;[^\\x1b\\x07]*${END}`,
  'DCS: DECRQSS, XTGETTCAP, XTVERSION': `\\x1bP[^\\x1b]*\\x1b\\\\`,
  'kitty keyboard flags': `${CSI}\\?[0-9]+u`,
  'colour scheme: dark or light': `${CSI}\\?997;[12]n`,
  'focus in, focus out': `${CSI}[IO]`,
};

const ONLY_REPLIES = new RegExp(`^(?:${Object.values(REPLIES).join('|')})+$`);

/** Longer than any run of replies; past it nothing is scanned and a person is assumed. */
const SCAN_BYTES = 4096;

/**
 * Pure. An empty chunk is nobody. F3 of some emulators (`CSI 1 ; 2 R`) reads as a cursor report: pressing only
 * that key for a quarter of an hour is not told from an emulator.
 */
export function isHumanInput(bytes: Uint8Array): boolean {
  if (bytes.length === 0) return false;
  if (bytes[0] !== 0x1b || bytes.length > SCAN_BYTES) return true;
  return !ONLY_REPLIES.test(String.fromCharCode(...bytes));
}
