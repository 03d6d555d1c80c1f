/** What a running session needs once a second: its clocks looked at, its credentials renewed. */
import { noteInput } from '../../db/queries/sessions.ts';
import type { Db } from '../../db/client.ts';
import { decide, renewAt, type Deadline } from '../domain/access-session.ts';
import type { Ending } from './ending.ts';
import type { LiveSession } from './live-session.ts';
import { mintCredential } from './opening.ts';
import type { AuditPart, GatewayPart, Log } from './parts.ts';

/** Between attempts at a sandbox's credential that fail; half of its life, minutes, is there for them. */
const RETRY_MS = 5_000;
/** The idle clock's row is written this often at most; a crash may cost a person that much of their idle time. */
const INPUT_NOTE_MS = 5_000;

export type UpkeepDeps = { db: Db; gateway: Pick<GatewayPart, 'mint'>; audit: AuditPart; now: () => Date; log: Log };

/** `end` is called where a clock ran out. */
export function keepUp(deps: UpkeepDeps, live: LiveSession, end: (ending: Ending) => void): void {
  if (!live.alive) return;
  const decision = decide(live.row, deps.now(), live.warnedFor);
  if (decision.kind === 'end') {
    end({ reason: decision.reason, detail: reasonText[decision.reason] });
    return;
  }
  if (decision.kind === 'warn') warn(deps, live, decision.deadline);
  live.account.renewIfDue();
  renewCredential(deps, live);
}

const reasonText: Record<Deadline['reason'], string> = {
  idle: 'Nobody typed for as long as the role allows.',
  detached: 'Nobody came back to the session’s page.',
  'hard-cap': 'The longest time that the role allows is over.',
};

function warn(deps: UpkeepDeps, live: LiveSession, deadline: Deadline): void {
  live.warnedFor = deadline.at;
  const minutes = Math.max(1, Math.round((deadline.at.getTime() - deps.now().getTime()) / 60_000));
  const soon = `in about ${minutes === 1 ? 'a minute' : `${minutes} minutes`}`;
  const text =
    deadline.reason === 'idle'
      ? `Nobody has typed for a while: the session ends ${soon}. Type, or extend it.`
      : `The session reaches its longest time ${soon} and ends. It cannot be extended further.`;
  live.sandbox?.terminal.banner({ kind: 'warning', code: `ending-${deadline.reason}`, text });
  live.push();
  deps.audit
    .record({
      at: deps.now(),
      code: 'session.warned',
      actorId: null,
      actor: 'portal',
      sessionId: live.id,
      clusterId: live.row.clusterId,
      detail: { reason: deadline.reason, endsAt: deadline.at.toISOString() },
    })
    .catch((err: unknown) => deps.log.warn({ err, session: live.id }, 'a warning was not audited'));
}

function renewCredential(deps: UpkeepDeps, live: LiveSession): void {
  const now = deps.now();
  if (!live.credential || !live.sandbox || live.renewing || now.getTime() < live.renewNotBefore) return;
  const due = renewAt(live.credential.issuedAt, live.credential.expiresAt, live.row.hardCapAt);
  if (!due || due > now) return;
  live.renewing = true;
  const { terminal } = live.sandbox;
  mintCredential(deps, live)
    .then(({ token }) => terminal.setCredential(token))
    .catch((err: unknown) => {
      live.renewNotBefore = now.getTime() + RETRY_MS;
      deps.log.warn({ err, session: live.id }, 'the sandbox’s credential was not renewed');
    })
    .finally(() => {
      live.renewing = false;
    });
}

/** Somebody typed, or moved a file. */
export function heardInput(deps: UpkeepDeps, live: LiveSession, at: Date): void {
  if (!live.alive || at <= live.row.lastInputAt) return;
  const wasWarned = live.warnedFor !== null;
  live.row = { ...live.row, lastInputAt: at };
  if (wasWarned && decide(live.row, deps.now(), null).kind === 'wait') {
    live.warnedFor = null;
    live.push(); // the countdown goes away
  }
  if (at.getTime() - live.inputNotedAt >= INPUT_NOTE_MS) void writeInput(deps, live);
}

/** Brings the idle clock's row up to date. */
export async function writeInput(deps: UpkeepDeps, live: LiveSession): Promise<void> {
  const at = live.row.lastInputAt;
  if (at.getTime() <= live.inputNotedAt) return;
  live.inputNotedAt = at.getTime();
  await noteInput(deps.db, live.id, at).catch((err: unknown) => {
    live.inputNotedAt = 0;
    deps.log.warn({ err, session: live.id }, 'the idle clock was not written');
  });
}
