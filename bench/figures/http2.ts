/**
 * HTTP/2 against HTTP/1.1, both at a bare Node proxy: whether the gateway would gain by offering it. Small calls as a
 * script makes them, and kubectl's first call of all, which asks for tens of things at once.
 */
import { readFile } from 'node:fs/promises';
import { connect, type ClientHttp2Session } from 'node:http2';
import { editedKubeconfig, OwnTools } from '../../e2e/own-tools.ts';
import { interleave, type Bench } from '../context.ts';
import type { Measurement } from '../figure.ts';
import { call } from '../gateway-sides.ts';
import { bareProxy, cpuSeconds, type Proxy } from '../proxies.ts';
import { median } from '../statistics.ts';

const GET = '/api/v1/namespaces/default';
const CALLS = 3_000;
const AT_ONCE = 16;
/** kubectl's first calls in a round. */
const FIRST_CALLS = 5;

type Round = { rate: number; ms: number; cpuMs: number };

export async function http2(bench: Bench): Promise<Measurement[]> {
  await using two = await bareProxy(bench.kubeconfig, { http2: true });
  await using one = await bareProxy(bench.kubeconfig);
  const session = connect(two.origin, { ca: two.authority });
  const calls = bench.sample ? 50 : CALLS;
  const sides = {
    two: { proxy: two, ask: () => callByHttp2(session) },
    one: { proxy: one, ask: () => call(one, GET) },
  };
  const rounds: Record<keyof typeof sides, Round[]> = { two: [], one: [] };
  try {
    const measure = async (name: keyof typeof sides) => {
      const { proxy, ask } = sides[name];
      const rate = calls / (await costOf(proxy, () => load(calls, ask)));
      const times: number[] = [];
      const seconds = await costOf(proxy, async () => {
        for (let n = 0; n < FIRST_CALLS; n++) times.push(await firstCall(bench, proxy));
      });
      rounds[name].push({ rate, ms: median(times), cpuMs: (seconds / FIRST_CALLS) * 1_000 });
    };
    for (const { ask } of Object.values(sides)) await load(bench.sample ? 20 : 500, ask);
    await interleave(
      bench.rounds,
      () => measure('two'),
      () => measure('one'),
    );
  } finally {
    session.destroy();
    one.agent.destroy();
    two.agent.destroy();
  }
  const of = (field: keyof Round) => ({
    ours: median(rounds.two.map((round) => round[field])),
    peerName: 'HTTP/1.1',
    peer: median(rounds.one.map((round) => round[field])),
    target: { kind: 'none' } as const,
  });
  return [
    { name: 'HTTP/2, bare: calls per CPU-second', unit: '1/s', ...of('rate') },
    { name: 'HTTP/2, bare: kubectl’s first call', unit: 'ms', ...of('ms') },
    { name: 'HTTP/2, bare: CPU of kubectl’s first call', unit: 'ms', ...of('cpuMs') },
  ];
}

/** Seconds of the proxy's processor; a sample may be over before its clock has ticked. */
async function costOf({ pid }: Proxy, work: () => Promise<void>): Promise<number> {
  const before = await cpuSeconds(pid);
  await work();
  return Math.max(0.01, (await cpuSeconds(pid)) - before);
}

async function load(calls: number, ask: () => Promise<unknown>): Promise<void> {
  let left = calls;
  const worker = async () => {
    while (left-- > 0) await ask();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function callByHttp2(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': GET });
    let status: number | undefined;
    stream.once('response', (headers) => (status = headers[':status']));
    stream.once('error', reject);
    stream.once('end', () => (status === 200 ? resolve() : reject(new Error(`${GET} answered ${status}`))));
    stream.resume();
  });
}

/** kubectl with nothing remembered of the cluster, ms. */
async function firstCall(bench: Bench, { origin, authority }: Proxy & { authority: string }): Promise<number> {
  const kubeconfig = editedKubeconfig(await readFile(bench.kubeconfig, 'utf8'), {
    server: origin.origin,
    ca: authority,
    // The proxy has the certificate; kubectl asks for a password where it has nothing itself.
    user: { token: 'unused' },
  });
  using tools = await OwnTools.with(kubeconfig);
  const start = performance.now();
  const { code, stderr } = await tools.kubectl('get', 'configmaps', '-n', 'default');
  if (code !== 0) throw new Error(`kubectl ended with ${code}: ${stderr}`);
  return performance.now() - start;
}
