/** From asking for a shell to its first prompt at the client. */
import { GivenUp, until } from '../../e2e/machine/until.ts';
import { interleave, openShell, type Bench } from '../context.ts';
import type { Measurement } from '../figure.ts';
import type { Portal } from '../rest.ts';
import { median } from '../statistics.ts';
import { PROMPT, Reader, type BenchTerminal } from '../terminal.ts';

/** Each round takes the median of a few: one start is a single sample. */
const STARTS = 5;

/** A container waits: our POST against `docker exec`, and against what it asks of the engine, to the same bash's prompt. */
export async function readyWarm(bench: Bench): Promise<Measurement[]> {
  const container = await bench.peers.start();
  return ready(bench, 'ready warm', bench.portal, 1, {
    command: { name: 'docker exec', start: () => timed(async () => bench.peers.execCommand(container)) },
    engine: { name: "the engine's exec", start: () => timed(() => bench.peers.exec(container)) },
  });
}

/** Nothing waits: our POST against `docker run`, and against what it asks of the engine. */
export async function readyCold(bench: Bench): Promise<Measurement[]> {
  const engine = async () => {
    let remove: () => Promise<unknown> = async () => {};
    const ms = await timed(async () => {
      const { terminal, container } = await bench.peers.run();
      remove = () => container.remove({ force: true });
      return terminal;
    });
    await remove();
    return ms;
  };
  return ready(bench, 'ready cold', await bench.coldPortal(), 1.2, {
    command: { name: 'docker run', start: () => timed(async () => bench.peers.runCommand()) },
    engine: { name: "the engine's create, attach, start", start: engine },
  });
}

type Peer = { name: string; start: () => Promise<number> };

async function ready(
  bench: Bench,
  name: string,
  portal: Portal,
  target: number,
  peers: { command: Peer; engine: Peer },
): Promise<Measurement[]> {
  const ours = async () => {
    await poolFull(portal);
    const start = performance.now();
    const shell = await openShell(portal, bench);
    const ms = performance.now() - start;
    await shell[Symbol.asyncDispose]();
    await poolFull(portal);
    return ms;
  };
  const sides = { ours, command: peers.command.start, engine: peers.engine.start };
  for (const start of Object.values(sides)) await start();
  const rounds = { ours: [] as number[], command: [] as number[], engine: [] as number[] };
  const starts = bench.sample ? 1 : STARTS;
  const repeat = async (side: keyof typeof sides) => {
    const times: number[] = [];
    for (let count = 0; count < starts; count += 1) times.push(await sides[side]());
    rounds[side].push(median(times));
  };
  await interleave(
    bench.rounds,
    () => repeat('ours'),
    async () => {
      await repeat('command');
      await repeat('engine');
    },
  );
  const common = { unit: 'ms', ours: median(rounds.ours) } as const;
  return [
    {
      ...common,
      name,
      peerName: peers.command.name,
      peer: median(rounds.command),
      target: { kind: 'ratio-at-most', value: target },
    },
    {
      ...common,
      name: `${name}, without the client's start`,
      peerName: peers.engine.name,
      peer: median(rounds.engine),
      target: { kind: 'none' },
    },
  ];
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
  await until(
    async () => {
      const metrics = await portal.metrics();
      const size = metrics.get('sallyport_sandbox_pool_size');
      if (size === undefined) throw new GivenUp('the portal does not say how large its warm pool is');
      return metrics.get('sallyport_sandbox_pool_ready') === size;
    },
    { what: 'a full pool of warm containers' },
  );
}
