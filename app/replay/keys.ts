/** What was typed, as a person reads it: text as text, other keys by their names. Pure. */

export type Key = { text: string; special: boolean };

const names: [string, string][] = [
  ['\x1b[A', '↑'],
  ['\x1b[B', '↓'],
  ['\x1b[C', '→'],
  ['\x1b[D', '←'],
  ['\x1bOA', '↑'],
  ['\x1bOB', '↓'],
  ['\x1bOC', '→'],
  ['\x1bOD', '←'],
  ['\x1b[H', 'Home'],
  ['\x1b[F', 'End'],
  ['\x1bOH', 'Home'],
  ['\x1bOF', 'End'],
  ['\x1b[2~', 'Ins'],
  ['\x1b[3~', 'Del'],
  ['\x1b[5~', 'PgUp'],
  ['\x1b[6~', 'PgDn'],
  ['\x1b[Z', '⇧Tab'],
  ['\x1b[200~', 'paste'],
  ['\x1b[201~', 'paste end'],
  ['\r', '⏎'],
  ['\n', '⏎'],
  ['\t', 'Tab'],
  ['\x7f', '⌫'],
  ['\x1b', 'Esc'],
];

/** Sequences that no one types one by one: emulator replies, mouse and focus reports. */
const ESC = '\x1b';
const BEL = '\x07';
const noise = new RegExp(
  `^${ESC}(?:\\[(?:[?>=][\\d;]*[a-zA-Z]|[\\d;]+[Rnt]|[IO]|<[\\d;]+[Mm]|M[\\s\\S]{3})|P[^${ESC}]*${ESC}\\\\|\\][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\))`,
);
const escape = new RegExp(`^${ESC}(?:[[O][\\d;]*[a-zA-Z~]|[^[O])`);

export function keysOf(text: string): Key[] {
  const keys: Key[] = [];
  const special = (name: string) => keys.push({ text: name, special: true });
  for (let rest = text; rest;) {
    const skipped = noise.exec(rest)?.[0];
    if (skipped) {
      rest = rest.slice(skipped.length);
      continue;
    }
    const known = names.find(([sequence]) => sequence.length > 1 && rest.startsWith(sequence));
    if (known) {
      special(known[1]);
      rest = rest.slice(known[0].length);
      continue;
    }
    const other = escape.exec(rest)?.[0];
    if (other) {
      special(other.length === 2 ? `Alt-${other[1]}` : 'key');
      rest = rest.slice(other.length);
      continue;
    }
    const char = String.fromCodePoint(rest.codePointAt(0)!);
    rest = rest.slice(char.length);
    const single = names.find(([sequence]) => sequence === char);
    if (single) special(single[1]);
    else if (char < ' ') special(`^${String.fromCharCode(char.charCodeAt(0) + 64)}`);
    else {
      const last = keys.at(-1);
      if (last && !last.special) last.text += char;
      else keys.push({ text: char, special: false });
    }
  }
  return keys;
}
