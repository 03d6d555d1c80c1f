/** An access session's life: its states, its clocks and why it ends. Pure: the time comes in as an argument. */

export type Channel = 'terminal' | 'kubeconfig' | 'console' | 'helm' | 'link';
export type SessionState = 'opening' | 'active' | 'ending' | 'ended';

/** Why a session ended; kept, shown, audited. */
export type EndReason =
  | 'exited' // the shell exited, with its code
  | 'ended-by-person' // End
  | 'signed-out'
  | 'idle'
  | 'detached' // nobody came back to the page
  | 'hard-cap'
  | 'revoked' // the person was disabled, the role or the cluster removed, an administrator ended it
  | 'fault'; // container killed, engine gone, disk full: the detail says which

export type SessionClocks = {
  openedAt: Date;
  lastInputAt: Date;
  /** When the last page closed; null while one is attached. */
  detachedAt: Date | null;
  hardCapAt: Date;
  idleMs: number;
  detachedMs: number;
};

/** The countdown, and Extend, appear this long before an end that the person can still put off. */
export const WARN_BEFORE_MS = 5 * 60_000;

export type Deadline = { at: Date; reason: Extract<EndReason, 'idle' | 'detached' | 'hard-cap'> };

/** The next end that will come by itself, the earliest of the three clocks. */
export function nextDeadline(clocks: SessionClocks): Deadline {
  const idle: Deadline = { at: new Date(clocks.lastInputAt.getTime() + clocks.idleMs), reason: 'idle' };
  const cap: Deadline = { at: clocks.hardCapAt, reason: 'hard-cap' };
  const found = [idle, cap];
  if (clocks.detachedAt)
    found.push({ at: new Date(clocks.detachedAt.getTime() + clocks.detachedMs), reason: 'detached' });
  return found.reduce((first, next) => (next.at < first.at ? next : first));
}

/** When the warning starts. A role whose idle time is shorter than the warning is warned for half of it. */
export function warnAt(clocks: SessionClocks): Date {
  const deadline = nextDeadline(clocks);
  const before = deadline.reason === 'idle' ? Math.min(WARN_BEFORE_MS, clocks.idleMs / 2) : WARN_BEFORE_MS;
  return new Date(deadline.at.getTime() - before);
}
