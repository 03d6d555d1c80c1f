import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PtyInput } from './pty-input.ts';
import type { InputTerminal } from './pty-input.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A terminal as the kernel keeps one: so many bytes wait for the program, and modes that the program sets. */
function terminal(modes = { canonical: false, echo: false, interrupts: [3] }) {
  const kernel = { modes, waiting: 0, got: '', secrets: '', done: [] as [number, number][] };
  const device: InputTerminal = {
    modes: () => kernel.modes,
    foreground: () => 7,
    waiting: () => kernel.waiting,
    write(bytes) {
      kernel.got += Buffer.from(bytes).toString('latin1');
      kernel.waiting += bytes.length;
      return bytes.length;
    },
  };
  const input = new PtyInput(device, {
    written: (bytes, secret) => {
      if (secret) kernel.secrets += Buffer.from(bytes).toString('latin1');
    },
    done: (stream, position) => kernel.done.push([stream, position]),
  });
  return { kernel, input };
}

test('a keystroke is written at once', () => {
  const { kernel, input } = terminal();
  input.push(1, Buffer.from('a'), 1);
  expect(kernel.got).toBe('a');
  expect(kernel.done).toEqual([[1, 1]]);
});

test('a large paste waits for a program that does not read, and all of it arrives once it does', async () => {
  const { kernel, input } = terminal();
  const paste = 'x'.repeat(50_000);
  input.push(1, Buffer.from(paste), 50_000);
  await vi.advanceTimersByTimeAsync(100);
  expect(kernel.got.length).toBeLessThan(4096);
  while (kernel.got.length < paste.length) {
    kernel.waiting = 0;
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(kernel.got).toBe(paste);
  expect(kernel.done.at(-1)).toEqual([1, 50_000]);
});

test('Ctrl-C drops what waits before it and is written at once', async () => {
  const { kernel, input } = terminal();
  input.push(1, Buffer.from('x'.repeat(50_000)), 50_000);
  kernel.waiting = 0;
  input.push(1, Buffer.from('\x03'), 50_001);
  await vi.advanceTimersByTimeAsync(100);
  expect(kernel.got.endsWith('\x03')).toBe(true);
  expect(kernel.got.length).toBeLessThan(8192);
  expect(kernel.done.at(-1)).toEqual([1, 50_001]);
});

test('where Ctrl-C is a character like others, it waits its turn', async () => {
  const { kernel, input } = terminal({ canonical: false, echo: false, interrupts: [] });
  input.push(1, Buffer.from('x'.repeat(3000)), 3000);
  input.push(1, Buffer.from('\x03'), 3001);
  while (kernel.got.length < 3001) {
    kernel.waiting = 0;
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(kernel.got).toBe(`${'x'.repeat(3000)}\x03`);
});

test('what is pasted behind a password is judged after the prompt is left', async () => {
  const { kernel, input } = terminal({ canonical: true, echo: false, interrupts: [3] });
  input.push(1, Buffer.from('hunter2\rls -la\r'), 15);
  expect(kernel.got).toBe('hunter2\r');
  kernel.waiting = 0;
  kernel.modes = { canonical: true, echo: true, interrupts: [3] };
  await vi.advanceTimersByTimeAsync(20);
  expect(kernel.got).toBe('hunter2\rls -la\r');
  expect(kernel.secrets).toBe('hunter2\r');
});
