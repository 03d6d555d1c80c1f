import { randomBytes } from 'node:crypto';
import { duplexPair } from 'node:stream';
import { expect, test } from 'vitest';
import { HostLink } from './host-link.ts';

test('who dials in a loop without the secret fills neither the log nor memory', async () => {
  const said: unknown[] = [];
  const none = () => expect.unreachable();
  const log = { info: none, warn: (facts: object) => void said.push(facts) };
  const link = new HostLink(randomBytes(32), { connected: none, frame: none, lost: none, file: none }, log);
  const open = new Set<unknown>();
  for (let i = 0; i < 1_000; i++) {
    const [near, far] = duplexPair();
    far.resume().on('error', () => {});
    open.add(near.once('close', () => open.delete(near)));
    link.accept(near);
    if (i % 2) far.write(randomBytes(100));
  }
  await expect.poll(() => open.size).toBeLessThanOrEqual(16);
  link.close();
  await expect.poll(() => open.size).toBe(0);
  expect(said).toEqual([1, 10, 100].map((times) => expect.objectContaining({ times })));
});
