/** After a restart: sessions go on where their container still runs, and end where it does not. */
import type { SandboxSummary } from '../ports/sandbox-runtime.ts';
import type { Db } from '../../db/client.ts';
import { noteSession, takeLease, type SessionWithNames } from '../../db/queries/sessions.ts';
import { within } from './bounds.ts';
import type { LiveSession } from './live-session.ts';
import { factsOf, mintCredential } from './opening.ts';
import type { GatewayPart, SealerPart } from './parts.ts';
import type { Sandboxes } from './sandboxes.ts';

/** The session host dials again within a second of finding the portal's sockets. */
const RESUME_MS = 20_000;
/** The recording's header is written already; its size is the log's to tell. */
const ANY_SIZE = { cols: 80, rows: 24 };

export type TakeoverDeps = {
  db: Db;
  replica: string;
  sandboxes: Pick<Sandboxes, 'adopt'>;
  gateway: Pick<GatewayPart, 'mint'>;
  sealer: SealerPart;
  now: () => Date;
};

/** What to do with an unfinished session found at the start. */
export type Verdict = { kind: 'adopt' } | { kind: 'end'; detail: string };

export function verdictOn(row: SessionWithNames, container: SandboxSummary | undefined): Verdict {
  if (row.state === 'opening')
    return { kind: 'end', detail: 'The portal was restarted while the session was being opened.' };
  if (!container?.running || !row.hostSecret)
    return { kind: 'end', detail: 'Its container was gone when the portal came back.' };
  return { kind: 'adopt' };
}

/** The row as this process continues it: nobody is attached yet, so the detached clock starts anew. */
export async function leaseRow(deps: TakeoverDeps, row: SessionWithNames): Promise<SessionWithNames> {
  const detachedAt = deps.now();
  const generation = await takeLease(deps.db, row.id, deps.replica);
  await noteSession(deps.db, row.id, { detachedAt });
  return { ...row, generation, detachedAt, replica: deps.replica };
}

/** Takes up container, host and recording. Throws the Problems of the parts. */
export async function takeUp(deps: TakeoverDeps, live: LiveSession, container: string, context: string): Promise<void> {
  const secret = deps.sealer.open(live.row.hostSecret!, context);
  live.sandbox = await deps.sandboxes.adopt(live.id, container, secret);
  const { terminal } = live.sandbox;
  if (live.alive) {
    live.account.resume();
    terminal.setCredential((await mintCredential(deps, live)).token);
  }
  const resumed = terminal.resume(factsOf(live, ANY_SIZE), live.row.generation);
  await within(resumed, RESUME_MS, null, () => new Error('The session host did not answer when the portal came back.'));
}
