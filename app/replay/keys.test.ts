import { expect, test } from 'vitest';
import { keysOf } from './keys.ts';

const shown = (text: string) => keysOf(text).map((key) => (key.special ? `<${key.text}>` : key.text));

test.each([
  ['ls -l\r', ['ls -l', '<⏎>']],
  ['\x03', ['<^C>']],
  ['vi\t\x1b[A\x1bOB', ['vi', '<Tab>', '<↑>', '<↓>']],
  ['\x1b', ['<Esc>']],
  ['\x1bb', ['<Alt-b>']],
  ['\x1b[200~a\rb\x1b[201~', ['<paste>', 'a', '<⏎>', 'b', '<paste end>']],
  ['\x1b[?1;2c\x1b[12;40Rok', ['ok']],
  ['\x1b[15~', ['<key>']],
  ['漢😀', ['漢😀']],
])('%j reads as %j', (text, keys) => expect(shown(text)).toEqual(keys));
