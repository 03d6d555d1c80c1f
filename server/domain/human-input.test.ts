import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isHumanInput } from './human-input.ts';

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

const replies: [string, string][] = [
  ['primary device attributes', '\x1b[?1;2c'],
  ['secondary device attributes', '\x1b[>0;276;0c'],
  ['tertiary device attributes', '\x1bP!|00000000\x1b\\'],
  ['device status', '\x1b[0n'],
  ['cursor position', '\x1b[24;80R'],
  ['DECXCPR', '\x1b[?24;80R'],
  ['DECRPM, DEC mode', '\x1b[?2026;2$y'],
  ['DECRPM, ANSI mode', '\x1b[4;2$y'],
  ['foreground colour, ST', '\x1b]10;rgb:ffff/ffff/ffff\x1b\\'],
  ['background colour, BEL', '\x1b]11;rgb:0000/0000/0000\x07'],
  ['palette colour', '\x1b]4;1;rgb:cdcd/0000/0000\x1b\\'],
  ['DECRQSS', '\x1bP1$r0m\x1b\\'],
  ['XTVERSION', '\x1bP>|xterm(370)\x1b\\'],
  ['window size in characters', '\x1b[8;24;80t'],
  ['focus in', '\x1b[I'],
  ['focus out', '\x1b[O'],
  ['several in one chunk', '\x1b[?1;2c\x1b[1;1R\x1b[I'],
];

const people: [string, string][] = [
  ['a letter', 'a'],
  ['Enter', '\r'],
  ['Escape', '\x1b'],
  ['Ctrl-C', '\x03'],
  ['arrow up', '\x1b[A'],
  ['arrow up, application mode', '\x1bOA'],
  ['F3', '\x1bOR'],
  ['Alt-c', '\x1bc'],
  ['Delete', '\x1b[3~'],
  ['Ctrl-right', '\x1b[1;5C'],
  ['bracketed paste', '\x1b[200~ls\x1b[201~'],
  ['mouse, SGR', '\x1b[<0;10;5M'],
  ['mouse, X10', '\x1b[M !!'],
  ['a reply with a letter behind', '\x1b[1;1Ra'],
  ['a letter with a reply behind', 'a\x1b[1;1R'],
  ['shift tab', '\x1b[Z'],
];

describe('isHumanInput', () => {
  test.each(replies)('%s is the emulator', (_, text) => expect(isHumanInput(bytes(text))).toBe(false));
  test.each(people)('%s is a person', (_, text) => expect(isHumanInput(bytes(text))).toBe(true));
  test('nothing is nobody', () => expect(isHumanInput(new Uint8Array())).toBe(false));

  test('any mixture with something typed is a person', () => {
    const part = fc.constantFrom(...replies.map(([, text]) => text));
    fc.assert(
      fc.property(fc.array(part), fc.constantFrom('x', '\r', '\x1b[A'), fc.array(part), (before, key, after) => {
        expect(isHumanInput(bytes([...before, key, ...after].join('')))).toBe(true);
      }),
    );
  });

  test('a long run that only looks like a reply is answered quickly', () => {
    // A pattern that backtracks would take minutes.
    const started = performance.now();
    isHumanInput(bytes(`\x1b[${'1;'.repeat(2000)}`));
    isHumanInput(bytes(`\x1b]4;${'1'.repeat(4000)}`));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
