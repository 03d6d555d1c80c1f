/** `yes` at a client that reads nothing for ten seconds: the portal must neither queue nor grow, and stay at hand. */
import { openShell, type Bench } from '../context.ts';
import type { Measurement } from '../figure.ts';
import { median } from '../statistics.ts';
import { PROMPT } from '../terminal.ts';

const PAUSE_MS = 10_000;
const SAMPLE_PAUSE_MS = 1_500;
const LOOK_EVERY_MS = 200;

export async function flood(bench: Bench): Promise<Measurement[]> {
  const queued: number[] = [];
  const growth: number[] = [];
  const answer: number[] = [];
  await using shell = await openShell(bench.portal, bench);
  // The code that a flood runs is compiled once, and the heap it needs anyway is there.
  await once(bench, shell, SAMPLE_PAUSE_MS);
  for (let round = 0; round < bench.rounds; round += 1) {
    const seen = await once(bench, shell, bench.sample ? SAMPLE_PAUSE_MS : PAUSE_MS);
    queued.push(seen.queued);
    growth.push(seen.growth);
    answer.push(seen.answer);
  }
  const absolute = { peerName: null, peer: null };
  return [
    {
      name: 'flood: queued',
      unit: 'kB',
      ours: Math.max(...queued) / 1e3,
      ...absolute,
      target: { kind: 'at-most', value: 1048.576 },
    },
    {
      name: 'flood: RSS growth',
      unit: 'MB',
      ours: median(growth) / 1e6,
      ...absolute,
      target: { kind: 'at-most', value: 32 },
    },
    {
      name: 'flood: Ctrl-C to prompt',
      unit: 'ms',
      ours: median(answer),
      ...absolute,
      target: { kind: 'at-most', value: 300 },
    },
  ];
}

/** Bytes, bytes, ms. */
async function once(bench: Bench, { terminal, reader }: Awaited<ReturnType<typeof openShell>>, pauseMs: number) {
  const before = (await bench.portal.metrics()).get('process_resident_memory_bytes')!;
  let queued = 0;
  let most = before;
  reader.forget();
  terminal.write('yes\r');
  await reader.until('y\r\ny\r\n');
  terminal.pause();
  const until = performance.now() + pauseMs;
  while (performance.now() < until) {
    const metrics = await bench.portal.metrics();
    const gauge = metrics.get('sallyport_terminal_queued_bytes');
    if (gauge === undefined) throw new Error('the portal does not say how much its terminals queue');
    queued = Math.max(queued, gauge);
    most = Math.max(most, metrics.get('process_resident_memory_bytes')!);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  reader.forget();
  const start = performance.now();
  terminal.resume();
  terminal.write('\x03');
  await reader.until(PROMPT);
  return { queued, growth: most - before, answer: performance.now() - start };
}
