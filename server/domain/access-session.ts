/** An access session's life: its states, its clocks and why it ends. Pure: the time comes in as an argument. */

export type Channel = 'terminal' | 'kubeconfig' | 'console' | 'helm' | 'link' | 'service';
/** Whose sessions no replica owns: they sleep when nobody calls, and a call wakes them. */
export const OWN_TOOLS = ['kubeconfig', 'link', 'service'] as const satisfies readonly Channel[];
/** `dormant`: a kubeconfig's session without an account on its cluster; the next call wakes it under the same id. */
export type SessionState = 'opening' | 'active' | 'dormant' | 'ending' | 'ended';

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

/**
 * Whether the warning helps: somebody must be there to read it, so the detached clock, which only runs while nobody
 * is, never warns.
 */
function warns(deadline: Deadline): boolean {
  return deadline.reason !== 'detached';
}

/** What the sweep does with a session now. `wait` names the moment to look again. */
export type Decision =
  | { kind: 'end'; reason: Deadline['reason'] }
  | { kind: 'warn'; deadline: Deadline }
  | { kind: 'wait'; until: Date };

/**
 * @param warnedFor the deadline that the person was last warned of, or null: each deadline is warned of once.
 */
export function decide(clocks: SessionClocks, now: Date, warnedFor: Date | null): Decision {
  const deadline = nextDeadline(clocks);
  if (deadline.at <= now) return { kind: 'end', reason: deadline.reason };
  if (!warns(deadline) || warnedFor?.getTime() === deadline.at.getTime()) return { kind: 'wait', until: deadline.at };
  const from = warnAt(clocks);
  return from <= now ? { kind: 'warn', deadline } : { kind: 'wait', until: from };
}

/**
 * What becomes of a session whose portal process is dead and may come back: it waits as if its page had closed when the
 * process was last seen, `leftAt`. Null: it has time left.
 */
export function leftAlone(
  session: SessionClocks & { state: string },
  leftAt: Date,
  now: Date,
): { reason: EndReason; detail: string } | null {
  if (session.state !== 'active') return { reason: 'fault', detail: 'The portal process that held it has gone.' };
  const decision = decide({ ...session, detachedAt: session.detachedAt ?? leftAt }, now, null);
  if (decision.kind !== 'end') return null;
  return {
    reason: decision.reason,
    detail: 'The portal process that held it had gone, and did not come back in time.',
  };
}

/** The clocks after Extend: the idle clock starts anew; the hard cap stays where it is. */
export function extend(clocks: SessionClocks, now: Date): SessionClocks {
  return { ...clocks, lastInputAt: now > clocks.lastInputAt ? now : clocks.lastInputAt };
}

/** A session may still do things on its cluster. */
export function isLive(state: SessionState): boolean {
  return state === 'opening' || state === 'active';
}

/** Kubernetes gives no token a shorter life than ten minutes. */
export const TOKEN_LEAST_MS = 600_000;
/** Long enough that renewals are rare, short enough that a leaked one is soon worthless. */
export const TOKEN_MOST_MS = 3_600_000;

/** The life to ask of TokenRequest: never longer than the session can last, as far as Kubernetes allows. */
export function tokenLifetimeMs(now: Date, hardCapAt: Date): number {
  return Math.max(TOKEN_LEAST_MS, Math.min(hardCapAt.getTime() - now.getTime(), TOKEN_MOST_MS));
}

/** When to fetch the next one: half of the life is left for the attempts that fail. Null: it outlives the session. */
export function renewAt(issuedAt: Date, expiresAt: Date, hardCapAt: Date): Date | null {
  if (expiresAt >= hardCapAt) return null;
  return new Date((issuedAt.getTime() + expiresAt.getTime()) / 2);
}

/**
 * The account's name on the cluster, so that the cluster's own audit log names the person. At most 56 characters of
 * the 63 that a label allows; the session id's start keeps two sessions of one person apart.
 */
export function serviceAccountName(slug: string, sessionId: string): string {
  const person = slug.slice(0, 40).replace(/-+$/, '');
  return `sp-${person}-${sessionId.replaceAll('-', '').slice(0, 12)}`;
}
