import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ScreenText, type TextLine } from './screen-text.ts';

const linesOf = (...chunks: (string | Uint8Array)[]) => {
  const lines: TextLine<number>[] = [];
  const text = new ScreenText<number>((line) => lines.push(line));
  for (const [at, chunk] of chunks.entries()) text.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk, at);
  text.end();
  return lines;
};

describe('ScreenText', () => {
  test.each([
    ['plain lines', 'one\r\ntwo\r\n', ['one', 'two']],
    ['colours', '\x1b[31mred\x1b[0m fish\r\n', ['red fish']],
    ['a title', '\x1b]0;secret title\x07$ ls\r\n', ['$ ls']],
    ['a title with ST', '\x1b]0;secret title\x1b\\$ ls\r\n', ['$ ls']],
    ['a correction', 'lss\b \b -l\r\n', ['ls -l']],
    ['a progress bar', '10%\r20%\r\n', ['10%', '20%']],
    ['cursor addressing', '\x1b[1;1Hone\x1b[2;1Htwo', ['one', 'two']],
    ['cursor forward', 'a\x1b[5Cb', ['a b']],
    ['character sets', '\x1b(0lqk\x1b(B text', ['lqk text']],
    ['DCS', '\x1bPq#0;1\x1b\\after', ['after']],
    ['a cancelled sequence', '\x1b[3\x18text', ['text']],
    ['tabs', 'a\tb', ['a b']],
  ])('%s', (_, output, lines) => expect(linesOf(output).map(({ text }) => text)).toEqual(lines));

  test('a line is where its first character came, and whole where its last one did', () => {
    expect(linesOf('first\r\nsec', 'ond\r\n', 'third')).toEqual([
      { text: 'first', at: 0, until: 0 },
      { text: 'second', at: 0, until: 1 },
      { text: 'third', at: 2, until: 2 },
    ]);
  });

  test('any cut gives the same text', () => {
    const parts = fc.constantFrom('ab', 'é世', '\x1b[31m', '\x1b]0;t\x07', '\r\n', '\b', '\x1b[2;3H', '\x1b(B');
    fc.assert(
      fc.property(fc.array(parts), fc.nat(100), (list, cut) => {
        const bytes = Buffer.from(list.join(''));
        const whole = linesOf(bytes).map(({ text }) => text);
        expect(linesOf(bytes.subarray(0, cut), bytes.subarray(cut)).map(({ text }) => text)).toEqual(whole);
      }),
    );
  });

  test('a line without end is cut', () => {
    const lines = linesOf('x'.repeat(5000));
    expect(lines.map(({ text }) => text.length)).toEqual([2000, 2000, 1000]);
  });
});
