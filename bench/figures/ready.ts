/** From asking for a shell to its first prompt at the client. */
import { eventually, interleave, openShell, type Bench } from '../context.ts';
import type { Measurement } from '../figure.ts';
import type { Portal } from '../rest.ts';
import { median } from '../statistics.ts';
import { PROMPT, Reader, type BenchTerminal } from '../terminal.ts';

/** Each round takes the median of a few: one start is a single sample. */
const STARTS = 5;

/** A container waits: our POST against the engine's exec, both to the prompt of the same bash. */
export async function readyWarm(bench: Bench): Promise<Measurement[]> {
  const container = await bench.peers.start();
  const peer = () => timed(async () => bench.peers.exec(container));
  return [await ready(bench, 'ready warm', bench.portal, 'docker exec', peer, 1)];
}

/** Nothing waits: our POST against the engine's create, attach and start. */
export async function readyCold(bench: Bench): Promise<Measurement[]> {
  const peer = async () => {
    let remove: () => Promise<unknown> = async () => {};
    const ms = await timed(async () => {
      const { terminal, container } = await bench.peers.run();
      remove = () => container.remove({ force: true });
      return terminal;
    });
    await remove();
    return ms;
  };
  return [await ready(bench, 'ready cold', await bench.coldPortal(), 'docker run', peer, 1.2)];
}

async function ready(
  bench: Bench,
  name: string,
  portal: Portal,
  peerName: string,
  startPeer: () => Promise<number>,
  target: number,
): Promise<Measurement> {
  const ours = async () => {
    await poolFull(portal);
    const start = performance.now();
    const shell = await openShell(portal, bench);
    const ms = performance.now() - start;
    await shell[Symbol.asyncDispose]();
    await poolFull(portal);
    return ms;
  };
  const starts = bench.sample ? 1 : STARTS;
  await ours();
  await startPeer();
  const rounds = { ours: [] as number[], peer: [] as number[] };
  const repeat = async (start: () => Promise<number>, into: number[]) => {
    const times: number[] = [];
    for (let count = 0; count < starts; count += 1) times.push(await start());
    into.push(median(times));
  };
  await interleave(
    bench.rounds,
    () => repeat(ours, rounds.ours),
    () => repeat(startPeer, rounds.peer),
  );
  return {
    name,
    unit: 'ms',
    ours: median(rounds.ours),
    peerName,
    peer: median(rounds.peer),
    target: { kind: 'ratio-at-most', value: target },
  };
}

/** Ms from the call to the first prompt. */
async function timed(start: () => Promise<BenchTerminal>): Promise<number> {
  const begun = performance.now();
  const terminal = await start();
  await new Reader(terminal).until(PROMPT);
  const ms = performance.now() - begun;
  await terminal.close();
  return ms;
}

/** The pool refills beside us: a container that starts meanwhile would take part in neither side's measure. */
async function poolFull(portal: Portal): Promise<void> {
  await eventually(
    'a full pool of warm containers',
    async () => {
      const metrics = await portal.metrics();
      const size = metrics.get('sallyport_sandbox_pool_size');
      if (size === undefined) throw new Error('the portal does not say how large its warm pool is');
      return metrics.get('sallyport_sandbox_pool_ready') === size || undefined;
    },
    30_000,
  );
}
