/** What fifty idle sessions cost the portal. */
import { openShell, type Bench, type Shell } from '../context.ts';
import type { Measurement } from '../figure.ts';

const SESSIONS = 50;
const SAMPLE_SESSIONS = 3;
/** The engine collects garbage some seconds after the last work; memory is what remains then. */
const SETTLE_MS = 20_000;
const SAMPLE_SETTLE_MS = 1_000;

export async function idle(bench: Bench): Promise<Measurement[]> {
  const count = bench.sample ? SAMPLE_SESSIONS : SESSIONS;
  const settle = bench.sample ? SAMPLE_SETTLE_MS : SETTLE_MS;
  // What the first sessions make the process load and compile is no session's own.
  await close(await open(bench, Math.min(count, 10)));
  const before = await resting(bench, settle);
  const shells = await open(bench, count);
  const after = await resting(bench, settle);
  await close(shells);
  return [
    {
      name: 'idle session',
      unit: 'kB',
      ours: (after - before) / count / 1e3,
      peerName: null,
      peer: null,
      target: { kind: 'at-most', value: 250 },
    },
  ];
}

async function open(bench: Bench, count: number): Promise<Shell[]> {
  const shells: Shell[] = [];
  for (let opened = 0; opened < count; opened += 1) shells.push(await openShell(bench.portal, bench));
  return shells;
}

async function close(shells: Shell[]): Promise<void> {
  for (const shell of shells) await shell[Symbol.asyncDispose]();
}

/** The least resident memory seen while nothing happens, bytes. */
async function resting(bench: Bench, settleMs: number): Promise<number> {
  let least = Infinity;
  const until = performance.now() + settleMs;
  do {
    await new Promise((resolve) => setTimeout(resolve, Math.min(1_000, settleMs / 2)));
    least = Math.min(least, (await bench.portal.metrics()).get('process_resident_memory_bytes')!);
  } while (performance.now() < until);
  return least;
}
