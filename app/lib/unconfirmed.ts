/**
 * Replicas of the portal that have not confirmed this browser tab's last change: the answer to a change says how many.
 * Kept over a page load, since signing out leaves the page, and until the person closes the notice.
 */
import { Store } from './store.ts';

/** As server/http/unconfirmed.ts sets it. */
const HEADER = 'x-sallyport-unconfirmed-replicas';
const KEY = 'sallyport.unconfirmed';

function kept(): number {
  try {
    return Number(sessionStorage.getItem(KEY)) || 0;
  } catch {
    return 0;
  }
}

export const unconfirmed = new Store(typeof window === 'undefined' ? 0 : kept());

/** Takes note of an answer; one that says nothing changes nothing. */
export function noteAnswer(headers: Headers): void {
  const replicas = Number(headers.get(HEADER));
  if (replicas > 0) keep(replicas);
}

export function closeUnconfirmed(): void {
  keep(0);
}

function keep(replicas: number): void {
  unconfirmed.set(replicas);
  try {
    if (replicas) sessionStorage.setItem(KEY, String(replicas));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Storage refused: the notice is then on this page alone.
  }
}

/** What it means, in a sentence or two: docs/operations.md, several portals. */
export function unconfirmedSentence(replicas: number): string {
  const many = replicas > 1;
  return `The change is made, but ${replicas} ${many ? 'replicas' : 'replica'} of the portal ${many ? 'have' : 'has'} not confirmed it: what ${many ? 'they have' : 'it has'} open may go on there for now.`;
}
