/**
 * How the answer to a request says that a change it made was not confirmed by every replica: counted here, whichever
 * feature made the change.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** How many replicas that live have not confirmed the request's change within a second; absent where all have. */
export const UNCONFIRMED_HEADER = 'x-sallyport-unconfirmed-replicas';

const collected = new AsyncLocalStorage<Set<string>>();

/** Runs `work`; resolves with the replicas noted meanwhile. */
export async function collectUnconfirmed(work: () => Promise<void>): Promise<ReadonlySet<string>> {
  const replicas = new Set<string>();
  await collected.run(replicas, work);
  return replicas;
}

/** Nothing where no request is being answered. */
export function noteUnconfirmed(replicas: readonly string[]): void {
  for (const replica of replicas) collected.getStore()?.add(replica);
}
