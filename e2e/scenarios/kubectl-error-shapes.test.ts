/**
 * What each kubectl shows of an error by its status and the kind of call: the shape that the gateway gives it is the one
 * that shows most. Held against docs/errors/kubectl.md.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Problem } from '../../server/domain/problem.ts';
import type { KubectlVersion } from '../cluster/kubectl.ts';
import { TestGateway } from '../gateway.ts';
import { type Plan, startAnswering } from '../kubectl-errors/answering.ts';
import { type Call, callNamed, CALLS } from '../kubectl-errors/calls.ts';
import { FULL, holds, MEASURED, Met } from '../kubectl-errors/document.ts';
import { Measuring } from '../kubectl-errors/measuring.ts';
import { seen, type Seen } from '../kubectl-errors/shown.ts';
import { editedKubeconfig, type OwnTools } from '../own-tools.ts';

/** 421 is the pages' alone, 499 nobody's to read. */
const ALL = [400, 401, 403, 404, 405, 408, 413, 415, 429, 431, 500, 502, 503, 504];
const STATUSES = FULL ? ALL : [401, 403, 429, 503];
/** Given where a request could not be read. */
const UNREAD = [408, 431];
/** Programs at once. */
const WIDTH = 4;

const sentence = /The portal's test says "no"\. Ask it why\./;
const problem = (status: number, meta: Record<string, string> = {}) =>
  new Problem('test', status, 'The portal’s test says “no”.', { next: 'Ask it why.', meta });

const stack = new AsyncDisposableStack();
const plans = new Map<string, Plan>();
const tools = new Map<KubectlVersion, OwnTools>();
beforeAll(async () => {
  const place = stack.use(await Measuring.in(`shapes-${process.pid}`));
  const kubeconfig = await throughAnswering(stack.use(await TestGateway.start()));
  for (const version of MEASURED) {
    const own = stack.use(await place.tools(version, kubeconfig));
    tools.set(version, own);
    // What there is on the cluster is known from here on, but to calls that forget it.
    expect(await own.kubectl('get', 'configmaps')).toMatchObject({ code: 0 });
  }
});
afterAll(() => stack.disposeAsync());

/** A session's kubeconfig, with what refuses in between. */
async function throughAnswering(gateway: TestGateway): Promise<string> {
  const { port, token, kubeconfig } = await gateway.session();
  const target = { url: `https://127.0.0.1:${port}`, ca: gateway.gateway.certificateAuthority, token };
  const { url, certificateAuthority } = stack.use(await startAnswering(target, (token) => plans.get(token)));
  return editedKubeconfig(readFileSync(kubeconfig, 'utf8'), { server: url, ca: certificateAuthority });
}

let runs = 0;
/** The call once, refused with that problem. */
async function refused(version: KubectlVersion, call: Call, problem: Problem): Promise<Seen> {
  const own = tools.get(version)!;
  const token = `run-${++runs}`;
  plans.set(token, { problem, refused: call.refused, unread: UNREAD.includes(problem.status) });
  const cache = call.cold ? [`--cache-dir=${join(own.folder, token)}`] : [];
  const { stdin = '', env = {} } = call;
  const running = own.start('kubectl', [`--token=${token}`, ...cache, ...call.args], { stdin, env });
  return seen(running, sentence, `kubectl ${version}: ${call.name}, ${problem.status}`);
}

/** What each version shows of each call at each status. */
const found = new Map<string, Seen>();
const key = (...parts: unknown[]) => parts.join('/');

it('every status is shown, by every kind of call: an end, no stack, no "unknown"', async () => {
  const jobs = CALLS.flatMap((call) =>
    STATUSES.flatMap((status) => MEASURED.map((version) => ({ call, status, version }))),
  ).values();
  const work = async () => {
    for (const { call, status, version } of jobs)
      found.set(key(version, call.name, status), await refused(version, call, problem(status)));
  };
  await Promise.all(Array.from({ length: WIDTH }, work));
  expect([...found].filter(([, { shown }]) => shown === 'lost')).toEqual([]);
}, 900_000);

it('by kind of call: docs/errors/kubectl.md has it', () => {
  const shownAt = (version: KubectlVersion, call: Call) =>
    STATUSES.filter((status) => found.get(key(version, call.name, status))!.shown === 'shown');
  const rows = CALLS.map((call) => ({
    names: [call.name],
    cells: Object.fromEntries(MEASURED.map((version) => [version, cellOf(shownAt(version, call))])),
  }));
  holds('By kind of call', ['call'], rows, (documented, measured) => {
    const known = statusesOf(documented);
    return cellOf(STATUSES.filter((status) => known.includes(status))) === measured;
  });
});

/** Short for the statuses at which the sentence is in kubectl's own error. */
function cellOf(shown: readonly number[]): string {
  const others = STATUSES.filter((status) => !shown.includes(status));
  if (others.length === 0) return 'all';
  return others.length < shown.length ? `all but ${others.join(', ')}` : shown.join(', ');
}

function statusesOf(cell: string): number[] {
  const named = [...cell.matchAll(/\d+/g)].map(([number]) => Number(number));
  return cell.startsWith('all') ? ALL.filter((status) => !named.includes(status)) : named;
}

it('in place of a dropped sentence: docs/errors/kubectl.md has it', () => {
  const met = new Met();
  for (const name of ['`version`', '`auth whoami`', '`wait`'])
    for (const status of STATUSES)
      for (const version of MEASURED) {
        const { shown, own } = found.get(key(version, name, status))!;
        if (shown === 'warning') met.add(version, name, String(status), own);
      }
  holds('In place of a dropped sentence', ['call', 'status', 'kubectl’s own words'], met.rows);
});

it('a followed log is asked for again and again by kubectl 1.36, until it gives up', () => {
  for (const version of MEASURED) {
    const { times } = found.get(key(version, '`logs -f`', 503))!;
    if (version === '1.36') expect(times).toBeGreaterThan(1);
    else expect(times).toBe(1);
  }
});

// kubectl waits ten seconds at least for each: in the full round.
it.runIf(FULL)(
  'where a Retry-After says to come again, kubectl does so ten times before it says anything',
  async () => {
    const late = problem(429, { retryAfterSeconds: '1' });
    const timed = async (version: KubectlVersion, name: string) => {
      const began = performance.now();
      const { shown } = await refused(version, callNamed(name), late);
      return { shown, seconds: Math.floor((performance.now() - began) / 1_000) };
    };
    const measured = async (version: KubectlVersion) => {
      const [list, first, exec] = await Promise.all(
        ['`get`, a list', 'the first call of all', '`exec`, WebSocket'].map((name) => timed(version, name)),
      );
      expect(list!.shown).toBe('shown');
      expect(list!.seconds).toBeGreaterThanOrEqual(10);
      // It asks five times what there is.
      expect(first!.shown).toBe('warning');
      expect(first!.seconds).toBeGreaterThanOrEqual(50);
      expect(exec!.shown).toBe('shown');
      expect(exec!.seconds).toBeLessThan(10);
    };
    await Promise.all(MEASURED.map(measured));
  },
  180_000,
);
