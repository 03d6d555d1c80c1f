/** People's own tools through the gateway's address, against the API server itself on the same connection settings. */
import { setTimeout as delay } from 'node:timers/promises';
import { interleave, type Bench } from '../context.ts';
import type { Measurement } from '../figure.ts';
import { call, directly, issued, type Side } from '../gateway-sides.ts';
import { bareProxy } from '../proxies.ts';
import { queuedFor } from '../slow-reader.ts';
import { GET, warmUp } from '../small-calls.ts';
import { median, percentile } from '../statistics.ts';
import { populated } from './pods.ts';

const PER_SECOND = 200;
const SECONDS = 10;
const PODS = 5_000;
const LISTS = 3;
/** As for small calls: V8 has compiled what it will of this way, too. */
const WARM_UP_LISTS = 30;
const FIRST_CALLS = 10;

export async function gateway(bench: Bench): Promise<Measurement[]> {
  const direct = await directly(bench.kubeconfig);
  const ours = await issued(bench);
  const more = await Promise.all([issued(bench), issued(bench)]);
  for (const { tokens, agent } of more) {
    ours.tokens.push(...tokens);
    agent.destroy();
  }
  try {
    for (const side of [ours, direct]) await warmUp(bench, () => call(side, GET));
    const small = { ours: [] as number[][], direct: [] as number[][] };
    const seconds = bench.sample ? 1 : SECONDS;
    await interleave(
      bench.rounds,
      async () => void small.ours.push(await paced(ours, seconds)),
      async () => void small.direct.push(await paced(direct, seconds)),
    );
    const added = (at: number): number =>
      median(small.ours.map((times, round) => percentile(times, at) - percentile(small.direct[round]!, at)));
    const first: number[] = [];
    for (let at = 0; at < (bench.sample ? 1 : FIRST_CALLS); at++) first.push(await firstCall(bench));
    return [
      { ...absolute('gateway GET added p50', added(0.5)), target: { kind: 'at-most', value: 1 } },
      { ...absolute('gateway GET added p99', added(0.99)), target: { kind: 'at-most', value: 5 } },
      { ...absolute('gateway first call of a credential', median(first)), target: { kind: 'at-most', value: 150 } },
      ...(await list(bench, { ours, direct })),
    ];
  } finally {
    for (const { agent } of [ours, direct]) agent.destroy();
  }
}

function absolute(name: string, ours: number) {
  return { name, unit: 'ms' as const, ours, peerName: null, peer: null };
}

/** Beside it, without a target, the bare proxy: what any process in between takes on this machine. */
async function list(bench: Bench, sides: { ours: Side; direct: Side }): Promise<Measurement[]> {
  const pods = bench.sample ? 20 : PODS;
  await using namespace = await populated(bench.kubeconfig, pods);
  await using bare = await bareProxy(bench.kubeconfig);
  const path = `/api/v1/namespaces/${namespace.name}/pods?limit=0`;
  const times = { ours: [] as number[], direct: [] as number[], bare: [] as number[] };
  for (const side of [sides.ours, sides.direct, bare])
    await repeat(bench.sample ? 1 : WARM_UP_LISTS, () => call(side, path));
  const once = async (side: Side): Promise<number> => median(await repeat(LISTS, () => call(side, path)));
  await interleave(
    bench.rounds,
    async () => void times.ours.push(await once(sides.ours)),
    async () => void times.direct.push(await once(sides.direct)),
    async () => void times.bare.push(await once(bare)),
  );
  const queued = await queuedFor(bench, sides.ours, path);
  const shown = { name: `gateway list of ${pods} pods`, unit: 'ms' as const, ours: median(times.ours) };
  return [
    { ...shown, peerName: 'direct', peer: median(times.direct), target: { kind: 'ratio-at-most', value: 1.05 } },
    {
      ...shown,
      name: `${shown.name}, bare`,
      peerName: 'bare Node',
      peer: median(times.bare),
      target: { kind: 'none' },
    },
    {
      name: `${shown.name}, not read: queued`,
      unit: 'kB',
      ours: queued / 1e3,
      peerName: null,
      peer: null,
      target: { kind: 'at-most', value: 1048.576 },
    },
  ];
}

/** ms from the first byte asked to the last byte answered, the session's account made meanwhile. */
async function firstCall(bench: Bench): Promise<number> {
  const side = await issued(bench);
  try {
    return await call(side, GET);
  } finally {
    side.agent.destroy();
  }
}

/** Calls begin at a steady rate, however long each takes; their times in ms. */
async function paced(side: Side, seconds: number): Promise<number[]> {
  const begun: Promise<number>[] = [];
  const start = performance.now();
  for (let at = 0; at < PER_SECOND * seconds; at++) {
    const wait = start + (at * 1_000) / PER_SECOND - performance.now();
    if (wait > 0) await delay(wait);
    begun.push(call(side, GET));
  }
  return Promise.all(begun);
}

async function repeat(times: number, work: () => Promise<number>): Promise<number[]> {
  const out: number[] = [];
  for (let at = 0; at < times; at++) out.push(await work());
  return out;
}
