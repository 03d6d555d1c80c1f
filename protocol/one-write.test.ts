import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { joinWrites } from './one-write.ts';

/** What reached the system, call by call. */
function recordingStream() {
  const calls: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => (calls.push(chunk.toString()), done()),
    writev: (chunks, done) => (calls.push(chunks.map(({ chunk }) => String(chunk)).join('')), done()),
  });
  const send = (text: string) => {
    joinWrites(stream);
    stream.write(text);
  };
  return { calls, stream, send };
}

test('what one callback writes is one call; what the next one writes is another', async () => {
  const { calls, send } = recordingStream();
  send('a');
  send('b');
  send('c');
  expect(calls).toEqual([]);
  await new Promise(setImmediate);
  send('d');
  await new Promise(setImmediate);
  expect(calls).toEqual(['abc', 'd']);
});

test('an end in the same callback loses nothing', async () => {
  const { calls, stream, send } = recordingStream();
  send('a');
  send('b');
  stream.end('c');
  await new Promise((resolve) => stream.once('finish', resolve));
  expect(calls.join('')).toBe('abc');
});
