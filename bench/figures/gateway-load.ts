/** What a call and an idle watch cost the gateway, against `kubectl proxy` and a bare Node proxy. */
import { Agent } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Bench } from '../context.ts';
import type { Measurement } from '../figure.ts';
import { ask, call, issued, type Side } from '../gateway-sides.ts';
import { bareProxy, cpuSeconds, kubectlProxy, resident } from '../proxies.ts';
import { callsIn, costOf, GET, load, warmUp } from '../small-calls.ts';
import { median } from '../statistics.ts';

const WATCH = '/api/v1/namespaces/default/configmaps?watch=true&timeoutSeconds=900';
const CREDENTIALS = 20;
const WATCHES = 1_000;
/** Memory is what remains once the engine has collected. */
const SETTLE_MS = 15_000;

export async function gatewayLoad(bench: Bench): Promise<Measurement[]> {
  await using plain = await kubectlProxy(bench.kubeconfig);
  await using bare = await bareProxy(bench.kubeconfig);
  const ours = await issued(bench);
  const others = await Promise.all(Array.from({ length: CREDENTIALS - 1 }, () => issued(bench)));
  for (const { tokens, agent } of others) {
    ours.tokens.push(...tokens);
    agent.destroy();
  }
  try {
    const cpu = {
      ours: async () => (await bench.portal.metrics()).get('process_cpu_seconds_total')!,
      plain: () => cpuSeconds(plain.pid),
      bare: () => cpuSeconds(bare.pid),
    };
    const sides = { ours, plain, bare };
    const rates: Record<keyof typeof sides, number[]> = { ours: [], plain: [], bare: [] };
    for (const side of Object.values(sides)) await warmUp(bench, () => call(side, GET));
    const calls = callsIn(bench);
    for (let round = 0; round < bench.rounds; round++)
      for (const name of ['ours', 'plain', 'bare'] as const) {
        const get = () => call(sides[name], GET);
        rates[name].push(calls / (await costOf(cpu[name], () => load(calls, get))));
      }
    const watches = bench.sample ? 20 : WATCHES;
    const memory = {
      ours: await watched(bench, watches, ours, async () =>
        (await bench.portal.metrics()).get('process_resident_memory_bytes')!,
      ),
      bare: await watched(bench, watches, bare, () => resident(bare.pid)),
    };
    const rate = { unit: '1/s' as const, ours: median(rates.ours) };
    return [
      {
        ...rate,
        name: 'gateway calls per CPU-second',
        peerName: 'kubectl proxy',
        peer: median(rates.plain),
        target: { kind: 'ratio-at-least', value: 0.5 },
      },
      {
        ...rate,
        name: 'gateway calls per CPU-second, bare',
        peerName: 'bare Node',
        peer: median(rates.bare),
        target: { kind: 'ratio-at-least', value: 0.7 },
      },
      {
        name: `gateway memory of ${watches} watches`,
        unit: 'MB',
        ours: memory.ours / 1e6,
        peerName: 'bare Node',
        peer: memory.bare / 1e6,
        target: { kind: 'ratio-at-most', value: 1.2 },
      },
    ];
  } finally {
    ours.agent.destroy();
  }
}

/** What so many idle watches add to a process, bytes. */
async function watched(bench: Bench, count: number, side: Side, memory: () => Promise<number>): Promise<number> {
  const settle = bench.sample ? 1_000 : SETTLE_MS;
  const before = await resting(settle, memory);
  const open: IncomingMessage[] = [];
  const agent = new Agent({ ...side.agent.options, keepAlive: true, maxSockets: Infinity });
  try {
    for (let at = 0; at < count; at += 20)
      open.push(...(await Promise.all(Array.from({ length: Math.min(20, count - at) }, () => watch(side, agent)))));
    return (await resting(settle, memory)) - before;
  } finally {
    for (const answer of open) answer.destroy();
    agent.destroy();
  }
}

async function watch(side: Side, agent: Agent): Promise<IncomingMessage> {
  const answer = await ask({ ...side, agent }, WATCH);
  return answer.on('error', () => {}).resume();
}

/** The least seen while nothing happens. */
async function resting(settleMs: number, memory: () => Promise<number>): Promise<number> {
  let least = Infinity;
  const until = performance.now() + settleMs;
  do {
    await new Promise((resolve) => setTimeout(resolve, Math.min(1_000, settleMs / 2)));
    least = Math.min(least, await memory());
  } while (performance.now() < until);
  return least;
}
