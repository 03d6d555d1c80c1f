import headless from '@xterm/headless';
import { expect, it } from 'vitest';
import { eraseAboveSafely } from './erase-above.ts';

const screenAfter = async (output: string): Promise<string[]> => {
  const terminal = new headless.Terminal({ cols: 4, rows: 2, allowProposedApi: true, logLevel: 'off' });
  eraseAboveSafely(terminal);
  await new Promise<void>((resolve) => terminal.write(output, resolve));
  const { active } = terminal.buffer;
  const rows = [0, 1].map((row) => active.getLine(active.baseY + row)!.translateToString(true));
  terminal.dispose();
  return rows;
};

it.each([
  ['in the last cell', 'abcd\r\nefgh\x1b[1J', ['', '']],
  ['in the last cell of the alternate screen', '\x1b[?1049h\x1b[Habcd\r\nefgh\x1b[1J', ['', '']],
  ['before the last cell', 'abcd\r\nefgh\x1b[2;3H\x1b[1J', ['', '   h']],
  ['in the last line of a screen that scrolled', '1\r\n2\r\nabcd\x1b[1J', ['', '']],
  ['sparing protected cells', '\x1b[1"qabcd\x1b[0"q\r\nefgh\x1b[?1J', ['abcd', '']],
  ['sparing a protected last cell', 'abcd\r\nefg\x1b[1"qh\x1b[?1J', ['', '   h']],
])('erases above %s', async (_where, output, shown) => {
  expect(await screenAfter(output)).toEqual(shown);
});

it('reads on behind it', async () => {
  expect(await screenAfter('abcd\r\nefgh\x1b[1J\x1b[Hon')).toEqual(['on', '']);
});
