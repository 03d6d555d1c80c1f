import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { INPUT_WINDOW } from '../../protocol/frames.ts';
import { InputQueue, type Input } from './input-queue.ts';

/** The host's side as docs/protocol.md says: takes what is past the position it knows, drops what leaves a gap. */
class Host {
  readonly taken = new Map<number, string>();
  take({ stream, position, bytes }: Input): void {
    const had = this.taken.get(stream) ?? '';
    if (position > had.length) return;
    this.taken.set(
      stream,
      had +
        Buffer.from(bytes)
          .toString('latin1')
          .slice(had.length - position),
    );
  }
}

describe('InputQueue', () => {
  test('sends at once, and again when the host returns', () => {
    const sent: string[] = [];
    const queue = new InputQueue(({ bytes }) => sent.push(Buffer.from(bytes).toString()));
    queue.push({ stream: 1, position: 0, bytes: Buffer.from('a') });
    expect(sent).toEqual([]);
    queue.open();
    queue.push({ stream: 1, position: 1, bytes: Buffer.from('b') });
    expect(sent).toEqual(['a', 'b']);
    queue.ack(1, 1);
    queue.close();
    queue.push({ stream: 1, position: 2, bytes: Buffer.from('c') });
    queue.open();
    expect(sent).toEqual(['a', 'b', 'b', 'c']);
    expect(queue.position(1)).toBe(1);
    expect(queue.position(2)).toBe(0);
  });

  test('keeps no more than the window on its way, and says when it is full', () => {
    let sent = 0;
    const queue = new InputQueue(({ bytes }) => (sent += bytes.length));
    queue.open();
    const piece = 16 * 1024;
    for (let i = 0; i < 8; i++) queue.push({ stream: 1, position: i * piece, bytes: new Uint8Array(piece) });
    expect(sent).toBe(INPUT_WINDOW);
    expect(queue.full).toBe(true);
    queue.ack(1, 4 * piece);
    expect(sent).toBe(2 * INPUT_WINDOW);
    expect(queue.full).toBe(false);
  });

  test('any order of typing, acknowledging, losing and finding the host: each byte once, in order', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('type'),
        stream: fc.constantFrom(1, 2),
        length: fc.integer({ min: 1, max: 40_000 }),
      }),
      fc.record({ kind: fc.constantFrom('open', 'close', 'ack'), stream: fc.constant(0), length: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const host = new Host();
        const typed = new Map<number, string>();
        const queue = new InputQueue((input) => host.take(input));
        const ack = () => {
          for (const [stream, text] of host.taken) queue.ack(stream, text.length);
        };
        for (const todo of steps) {
          if (todo.kind === 'open') queue.open();
          else if (todo.kind === 'close') queue.close();
          else if (todo.kind === 'ack') ack();
          else {
            const had = typed.get(todo.stream) ?? '';
            const text = String.fromCharCode(97 + (had.length % 26)).repeat(todo.length);
            typed.set(todo.stream, had + text);
            queue.push({ stream: todo.stream, position: had.length, bytes: Buffer.from(text) });
          }
        }
        queue.open();
        for (let i = 0; i < steps.length; i++) ack();
        expect(host.taken).toEqual(typed);
      }),
      { numRuns: 60 },
    );
  });
});
