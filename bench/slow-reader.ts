/** A client that asks for much and reads none of it for a while: what the portal holds back for it meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from './context.ts';
import { ask, type Side } from './gateway-sides.ts';

const PAUSE_MS = 5_000;
const SAMPLE_PAUSE_MS = 500;
const LOOK_EVERY_MS = 100;

/** The most bytes seen. Throws where the answer is not whole in the end. */
export async function queuedFor(bench: Bench, side: Side, path: string): Promise<number> {
  const answer = await ask(side, path);
  let most = 0;
  const until = performance.now() + (bench.sample ? SAMPLE_PAUSE_MS : PAUSE_MS);
  while (performance.now() < until) {
    const queued = (await bench.portal.metrics()).get('sallyport_kubernetes_queued_bytes');
    if (queued === undefined) throw new Error('the portal does not say how much of its calls it holds back');
    most = Math.max(most, queued);
    await delay(LOOK_EVERY_MS);
  }
  for await (const _ of answer);
  if (!answer.complete) throw new Error(`the answer to ${path} is not whole`);
  return most;
}
