import { expect, test } from 'vitest';
import { Rounds } from './rounds.ts';

/** Rounds whose ends the test says. */
function held() {
  const ends: PromiseWithResolvers<void>[] = [];
  const rounds = new Rounds(() => {
    ends.push(Promise.withResolvers<void>());
    return ends.at(-1)!.promise;
  });
  return { rounds, ends };
}

test('whoever asks during a round gets one that begins after it, and all of them the same', async () => {
  const { rounds, ends } = held();
  const first = rounds.run();
  const [second, third] = [rounds.run(), rounds.run()];
  expect(ends).toHaveLength(1);
  ends[0]!.resolve();
  await expect.poll(() => ends.length).toBe(2);
  ends[1]!.resolve();
  await Promise.all([first, second, third]);
  expect(ends).toHaveLength(2);
  expect(rounds.running).toBeUndefined();
});

test('a round that fails tells who asked, and is followed by others', async () => {
  const { rounds, ends } = held();
  const failing = rounds.run();
  ends[0]!.reject(new Error('away'));
  await expect(failing).rejects.toThrow('away');
  const next = rounds.run();
  ends[1]!.resolve();
  await next;
  expect(ends).toHaveLength(2);
});
