import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PasteJob, questionFor } from './paste.ts';

function drain(job: PasteJob, room: number): { text: string; largest: number } {
  const pieces: number[] = [];
  let largest = 0;
  for (let piece = job.next(room); piece; piece = job.next(room)) {
    pieces.push(...piece);
    largest = Math.max(largest, piece.length);
  }
  return { text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(pieces)), largest };
}

test('every piece fits the room, and together they are the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), fc.integer({ min: 20, max: 300 }), (text, room) => {
      const { text: sent, largest } = drain(new PasteJob(text, false), room);
      expect(sent).toBe(text.replace(/\r\n|\n/g, '\r'));
      expect(largest).toBeLessThanOrEqual(room);
    }),
  );
});

test('ten megabytes go in bounded pieces', () => {
  const job = new PasteJob('x'.repeat(10_000_000), true);
  let pieces = 0;
  for (let piece = job.next(65_536); piece; piece = job.next(65_536)) {
    pieces += 1;
    expect(piece.length).toBeLessThanOrEqual(65_536);
  }
  expect(pieces).toBeGreaterThan(1000);
  expect(job.done).toBe(true);
});

test('a bracketed paste is marked, and its text cannot end the mark', () => {
  const { text } = drain(new PasteJob('a\nb\x1b[201~rm -rf /\n', true), 65_536);
  expect(text).toBe('\x1b[200~a\rb\u241b[201~rm -rf /\r\x1b[201~');
});

test('a cancelled bracketed paste closes its mark', () => {
  const job = new PasteJob('x'.repeat(100_000), true);
  job.next(65_536);
  expect(new TextDecoder().decode(job.cancel())).toBe('\x1b[201~');
  expect(job.next(65_536)).toBeNull();
  expect(new PasteJob('abc', true).cancel().length).toBe(0);
});

test.each([
  ['kubectl get pods', null],
  ['one\n', 1],
  ['one\r\ntwo\r\nthree', 3],
  ['x'.repeat(70_000), 1],
])('asks where it should (%#)', (text, lines) => expect(questionFor(text)?.lines ?? null).toBe(lines));

test('the question shows the start, with control characters visible', () => {
  const question = questionFor(`echo \x1b[2J\n${'line\n'.repeat(40)}`)!;
  expect(question.preview[0]).toBe('echo ^[[2J');
  expect(question.preview.length).toBe(12);
  expect(question.more).toBe(29);
});
