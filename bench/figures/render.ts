/** Keys typed while the web process renders pages as fast as it can: two processes, so that neither waits. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { interleave, openShell, type Bench } from '../context.ts';
import type { Measurement } from '../figure.ts';
import { median, percentile } from '../statistics.ts';
import { typeKeys } from './echo.ts';

const KEYS = 5_000;
const SAMPLE_KEYS = 200;

export async function render(bench: Bench): Promise<Measurement[]> {
  await using shell = await openShell(bench.portal, bench);
  const keys = bench.sample ? SAMPLE_KEYS : KEYS;
  await typeKeys(shell, SAMPLE_KEYS);
  const p99 = async (into: number[]) => void into.push(percentile(await typeKeys(shell, keys), 0.99));
  const rounds = { loaded: [] as number[], quiet: [] as number[] };
  await interleave(
    bench.rounds,
    async () => {
      await using load = await pageLoad(bench);
      const begun = performance.now();
      const before = load.pages();
      await p99(rounds.loaded);
      const perSecond = (load.pages() - before) / ((performance.now() - begun) / 1000);
      // A web that hardly renders would disturb nobody.
      bench.say(`render: ${perSecond.toFixed(0)} pages per second meanwhile`);
    },
    () => p99(rounds.quiet),
  );
  return [
    {
      name: 'echo p99 while pages render',
      unit: 'ms',
      ours: median(rounds.loaded),
      peerName: 'quiet',
      peer: median(rounds.quiet),
      target: { kind: 'ratio-at-most', value: 1.2 },
    },
  ];
}

/** The readers of pages are a process of their own; resolves once the first page has come. */
async function pageLoad(bench: Bench): Promise<AsyncDisposable & { pages(): number }> {
  const child = fork(new URL('../page-load.ts', import.meta.url), [new URL('/', bench.portal.url).href], {
    env: { ...process.env, BENCH_AUTHORIZATION: bench.portal.headers.authorization },
  });
  const exited = once(child, 'exit');
  let pages = 0;
  child.on('message', () => (pages += 1));
  const [first] = await Promise.race([once(child, 'message'), exited]);
  if (first !== 'rendering') throw new Error(`pages do not render: the reader exited with ${String(first)}`);
  return {
    pages: () => pages,
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited;
    },
  };
}
