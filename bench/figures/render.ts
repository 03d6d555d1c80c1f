/**
 * Keys typed while the web process renders pages as fast as it can: two processes, so that neither waits. Beside it,
 * without a target, keys typed through ttyd meanwhile, which has no part in the pages: what the machine itself costs.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { interleave, openPeer, openShell, type Bench } from '../context.ts';
import type { Measurement } from '../figure.ts';
import { median, percentile } from '../statistics.ts';
import { typeKeys } from './echo.ts';

const KEYS = 5_000;
const SAMPLE_KEYS = 200;

export async function render(bench: Bench): Promise<Measurement[]> {
  await using shell = await openShell(bench.portal, bench);
  await using peer = await openPeer(await bench.ttyd());
  const keys = bench.sample ? SAMPLE_KEYS : KEYS;
  for (const side of [shell, peer]) await typeKeys(side, SAMPLE_KEYS);
  const p99 = async (side: typeof peer, into: number[]) => void into.push(percentile(await typeKeys(side, keys), 0.99));
  const rounds = { loaded: [] as number[], quiet: [] as number[], peerLoaded: [] as number[] };
  await interleave(
    bench.rounds,
    async () => {
      await using load = await pageLoad(bench);
      const begun = performance.now();
      const before = load.pages();
      await p99(shell, rounds.loaded);
      await p99(peer, rounds.peerLoaded);
      const perSecond = (load.pages() - before) / ((performance.now() - begun) / 1000);
      // A web that hardly renders would disturb nobody.
      bench.say(`render: ${perSecond.toFixed(0)} pages per second meanwhile`);
    },
    () => p99(shell, rounds.quiet),
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
    {
      name: 'the same, against ttyd meanwhile',
      unit: 'ms',
      ours: median(rounds.loaded),
      peerName: 'ttyd',
      peer: median(rounds.peerLoaded),
      target: { kind: 'none' },
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
