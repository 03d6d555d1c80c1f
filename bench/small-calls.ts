/** The same small call over and over, as a script or a busy team makes them. */

/** What a person's day needs. */
export const GET = '/api/v1/namespaces/default';
const CALLS = 3_000;
const AT_ONCE = 16;
/** Half a minute of them: what is compared runs for weeks, and V8 compiles most of what it will in this time. */
const WARM_UP_CALLS = 6_000;

/** Calls of one round. */
export const callsIn = (bench: { sample: boolean }): number => (bench.sample ? 50 : CALLS);

/** Until a process has compiled what it needs for them. */
export const warmUp = (bench: { sample: boolean }, ask: () => Promise<unknown>): Promise<void> =>
  load(bench.sample ? 20 : WARM_UP_CALLS, ask);

export async function load(calls: number, ask: () => Promise<unknown>): Promise<void> {
  let left = calls;
  const worker = async () => {
    while (left-- > 0) await ask();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Seconds of a processor that the work takes, by that clock; a sample may be over before it has ticked. */
export async function costOf(cpuSeconds: () => Promise<number>, work: () => Promise<void>): Promise<number> {
  const before = await cpuSeconds();
  await work();
  return Math.max(0.01, (await cpuSeconds()) - before);
}
