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
import { callsIn, costOf, GET, load, warmUp } from '../small-calls.ts';
import { median } from '../statistics.ts';

/** kubectl's first calls in a round. */
const FIRST_CALLS = 5;

type Round = { rate: number; ms: number; cpuMs: number };

export async function http2(bench: Bench): Promise<Measurement[]> {
  await using two = await bareProxy(bench.kubeconfig, { http2: true });
  await using one = await bareProxy(bench.kubeconfig);
  const session = connect(two.origin, { ca: two.authority });
  const calls = callsIn(bench);
  const sides = {
    two: { proxy: two, ask: () => callByHttp2(session) },
    one: { proxy: one, ask: () => call(one, GET) },
  };
  const rounds: Record<keyof typeof sides, Round[]> = { two: [], one: [] };
  try {
    const measure = async (name: keyof typeof sides) => {
      const { proxy, ask } = sides[name];
      const cpu = () => cpuSeconds(proxy.pid);
      const rate = calls / (await costOf(cpu, () => load(calls, ask)));
      const times: number[] = [];
      const seconds = await costOf(cpu, async () => {
        for (let n = 0; n < FIRST_CALLS; n++) times.push(await firstCall(bench, proxy));
      });
      rounds[name].push({ rate, ms: median(times), cpuMs: (seconds / FIRST_CALLS) * 1_000 });
    };
    for (const { ask } of Object.values(sides)) await warmUp(bench, ask);
    await interleave(
      bench.rounds,
      () => measure('two'),
      () => measure('one'),
    );
  } finally {
    session.destroy();
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
