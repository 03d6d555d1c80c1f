/**
 * Access sessions through the terminal: opened, kept, ended. The one writer of their rows.
 *
 * Long because it is one life as a whole: every way into it and every event that it meets, each of which must know of
 * the others (an end during an opening, a stop during an end). What each step does stands in new-row.ts, opening.ts,
 * upkeep.ts, ending.ts, takeover.ts and reaper.ts.
 */
import { randomUUID } from 'node:crypto';
import type { Db } from '../../db/client.ts';
import { replicasSeen } from '../../db/queries/replicas.ts';
import * as rows from '../../db/queries/sessions.ts';
import { extend } from '../domain/access-session.ts';
import type { AuditCode } from '../domain/audit-codes.ts';
import type { Person } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import { livingOthers } from '../domain/replica-lease.ts';
import { clusterUnknown, sessionEnded, sessionUnknown } from '../domain/shared-problems.ts';
import { chooseRole, reachingRoles } from '../domain/role-choice.ts';
import type { SandboxRuntime } from '../ports/sandbox-runtime.ts';
import { endedByOthers, endNotHeld, heldElsewhere, tendOrphans, type AcrossDeps } from './across.ts';
import { each, settledWithin, within } from './bounds.ts';
import { ClusterAccount } from './cluster-account.ts';
import { endLive, endRow, type Ending, type Unwritten } from './ending.ts';
import { detailOf, LiveSession } from './live-session.ts';
import { insertRow } from './new-row.ts';
import { activate, startShell, type Size } from './opening.ts';
import type {
  AccountsPart,
  AliveSession,
  AuditPart,
  Caller,
  ClusterFacts,
  ClustersPart,
  GatewayPart,
  Log,
  PageFacts,
  RoleLimits,
  SealerPart,
  TerminalPart,
} from './parts.ts';
import { comingBack, elsewhere, notLive, notYours, openingLate, stopping } from './problems.ts';
import { reap } from './reaper.ts';
import { Rounds } from './rounds.ts';
import { newSecret, type EquippedSandbox, type Sandboxes } from './sandboxes.ts';
import { sealingContexts } from '../crypto/sealed-records.ts';
import { leaseRow, takeUp, verdictOn } from './takeover.ts';
import { heardInput, keepUp, writeInput } from './upkeep.ts';
import { sessionView, type SessionView } from './view.ts';
import { visibleRow, visibleRows } from './visibility.ts';
import type { WarmPool } from './warm-pool.ts';

/**
 * The POST answers then, and the opening goes on: the page shows its steps, and makes its connection meanwhile. What
 * has failed by then (no engine, no image) is the POST's own error, however long its undoing takes.
 */
const ANSWER_MS = 100;
/** The same where engine or cluster was away at the last look: why it fails is the answer, not that it begins. */
const DOUBTFUL_ANSWER_MS = 5_000;
/** Past it the engine or the cluster hangs. */
const OPENING_MS = 60_000;
/** A shell's own exit is told by its terminal once it is recorded; the container stops right after it. */
const EXIT_GRACE_MS = 2_000;
/** Openings that run when the portal is stopped are given this long. */
const STOP_OPENINGS_MS = 5_000;
/** Sessions taken up side by side at the start. */
const TAKEOVER_WIDTH = 8;

export type SessionsDeps = {
  db: Db;
  /** This process's lease: rows of it are this process's to keep. */
  replica: string;
  runtime: Pick<SandboxRuntime, 'list' | 'removeContainer' | 'sweep'>;
  sandboxes: Sandboxes;
  pool: WarmPool;
  gateway: GatewayPart;
  /** Tells every replica that a session's row has changed. */
  announce(session: string): Promise<void>;
  accounts: AccountsPart;
  clusters: ClustersPart;
  roles: { of(person: Pick<Person, 'groups'>): Promise<RoleLimits[]> };
  sealer: SealerPart;
  audit: AuditPart;
  now: () => Date;
  log: Log;
};

export type OpenRequest = Size & { cluster: string; role?: string | undefined };
export type SessionListFilter = rows.SessionFilter;

export type { SessionView };

export class Sessions implements AsyncDisposable {
  readonly #deps: SessionsDeps;
  readonly #endingDeps: AcrossDeps;
  readonly #live = new Map<string, LiveSession>();
  /** Rows on their way into the database: nobody has left them behind. */
  readonly #inserting = new Set<string>();
  /** Sessions that ended and whose row could not be written: kept until the database is back. */
  readonly #unwritten = new Map<string, Unwritten>();
  readonly #revocations = new Rounds(() => this.#endRevoked());
  #takingOver: Promise<void> | undefined;
  /** What all sessions stand on. */
  #away = { engine: false, database: false };
  #left = false;
  #stopping = false;
  #lettingGo: Promise<void> | undefined;

  constructor(deps: SessionsDeps) {
    this.#deps = deps;
    this.#endingDeps = { ...deps, left: () => void (this.#left = true) };
  }

  // ── the person's doings ──

  /**
   * Opens a session; answers as soon as the shell is starting, or after {@link ANSWER_MS}, where
   * engine or cluster was away {@link DOUBTFUL_ANSWER_MS}, with the state `opening`.
   * Throws Problem `cluster-unknown`, those of chooseRole, `too-many-sessions`, and what kept sandbox or account from
   * being made: then nothing of it is left.
   */
  async open(person: Person, request: OpenRequest, caller: Caller): Promise<SessionView> {
    if (this.#stopping) throw stopping();
    const [cluster, roles] = await Promise.all([
      this.#deps.clusters.find(request.cluster),
      this.#deps.roles.of(person),
    ]);
    if (!cluster) throw clusterUnknown(request.cluster);
    const role = await this.#orRefused(person, caller, cluster, async () =>
      chooseRole(reachingRoles(person.groups, roles), cluster.name, request.role),
    );
    const warm = this.#deps.pool.take();
    const secret = warm?.secret ?? newSecret();
    const id = warm?.id ?? randomUUID();
    this.#inserting.add(id);
    const row = await this.#orRefused(person, caller, cluster, () =>
      insertRow(this.#deps, {
        id,
        person,
        cluster,
        role,
        clientAddress: caller.clientAddress,
        container: warm?.sandbox.container ?? null,
        hostSecret: this.#deps.sealer.seal(secret, sealingContexts.hostSecret(id)),
      }),
    ).catch(async (error: unknown) => {
      // Where it is not known whether the row was written, the sandbox may be a session's: not to be used again.
      if (warm && error instanceof Problem) this.#deps.pool.giveBack(warm);
      else if (warm)
        await this.#deps.sandboxes
          .discard(warm)
          .catch(this.#logged(warm.id))
          .finally(() => this.#deps.pool.claimed(warm));
      this.#inserting.delete(id);
      throw error;
    });
    const live = this.#hold(row);
    this.#inserting.delete(id);
    if (warm) this.#deps.pool.claimed(warm);
    const opening = this.#carryOut(live, { size: request, cluster, secret, warm, person, caller });
    live.opening = opening.catch(() => {}); // the page hears of a failure by the session's state
    // Whichever is first: the shell starts, the opening failed, or the person has waited long enough without news.
    const patience = this.#away.engine || !cluster.healthy ? DOUBTFUL_ANSWER_MS : ANSWER_MS;
    await Promise.race([opening, live.started.catch(() => opening), settledWithin(opening, patience)]);
    // It has failed by then: the error is the answer, once nothing of the opening is left.
    if (live.ending) await opening;
    return live.view();
  }

  /** The whole opening. Throws what made it fail, once nothing of it is left. */
  async #carryOut(live: LiveSession, how: OpeningFacts): Promise<void> {
    const { now } = this.#deps;
    const { person, caller, cluster, size, secret, warm } = how;
    live.sandbox = warm;
    const told = this.#audit(live, 'session.opened', person, caller, { role: live.row.role, cluster: cluster.name });
    const account = told.then(() => live.step('account', now, live.account.create()));
    // A cluster that was away at the last look: its error comes before a shell that could do nothing.
    const ready = cluster.healthy ? Promise.resolve() : account;
    live.started = ready.then(() => startShell(this.#deps, live, { size, secret, warm, told }));
    live.started.then(
      () => this.#watch(live),
      () => {},
    );
    try {
      const complete = Promise.all([live.started, account]).then(() => activate(this.#deps, live));
      await within(complete, OPENING_MS, live.abort.signal, openingLate);
    } catch (error) {
      const asked = live.ending !== undefined; // ended by somebody meanwhile: no fault of the opening
      await this.#end(live, { reason: 'fault', detail: detailOf(error) });
      if (!asked) throw error;
    }
  }

  /** Puts off idling; never past the hard cap. Throws Problem `session-not-found`, `session-not-live`, `not-yours`. */
  async extend(id: string, person: Person, caller: Caller): Promise<SessionView> {
    const live = await this.#own(id, person);
    live.row = { ...live.row, ...extend(live.row, this.#deps.now()) };
    live.warnedFor = null;
    await writeInput(this.#deps, live);
    await this.#audit(live, 'session.extended', person, caller, {});
    live.push();
    return live.view();
  }

  /** For its person or an administrator. Ending what has ended is no error. Throws Problem `session-not-found`. */
  async endBy(id: string, person: Person, caller: Caller): Promise<SessionView> {
    const row = await visibleRow(this.#deps.db, id, person);
    const own = row.userId === person.id;
    if (!own && person.portal !== 'admin') throw notYours();
    await this.end(id, {
      reason: own ? 'ended-by-person' : 'revoked',
      detail: own ? null : `Ended by ${person.email}.`,
      by: person,
      correlationId: caller.correlationId,
    });
    return this.get(id, person);
  }

  /** Ends a session completely; idempotent. Resolves when all of it is gone, or is known to be left to the reaper. */
  async end(id: string, ending: Ending): Promise<void> {
    const live = this.#live.get(id);
    if (live) return this.#end(live, ending);
    const row = await rows.findSession(this.#deps.db, id);
    if (row && row.state !== 'ended') await endNotHeld(this.#endingDeps, row, ending);
  }

  /** Ends all there is on a cluster, on every replica, while its credential still stands. */
  async endOn(clusterId: string, ending: Ending): Promise<void> {
    const found = await rows.liveOn(this.#deps.db, clusterId);
    await Promise.all(found.map((id) => this.end(id, ending)));
  }

  /** Throws Problem `session-not-found`, also where the person may not see it. */
  async get(id: string, person: Person): Promise<SessionView> {
    return this.#shown(await visibleRow(this.#deps.db, id, person));
  }

  /** Newest first; people see their own, administrators and auditors all. `next` continues after the page. */
  async list(
    person: Person,
    filter: SessionListFilter,
  ): Promise<{ items: SessionView[]; next: { openedAt: Date; id: string } | null }> {
    const { items, next } = await visibleRows(this.#deps.db, person, filter);
    return { items: items.map((row) => this.#shown(row)), next };
  }

  /**
   * Resolves when the person's session has a terminal to attach to; an opening is waited for.
   * Throws Problem `session-not-found`, `not-yours`, `session-not-live`.
   */
  async attachable(id: string, person: Person): Promise<TerminalPart> {
    const live = await this.#own(id, person);
    await settledWithin(live.started, OPENING_MS);
    if (!live.alive || !live.sandbox) throw notLive();
    return live.sandbox.terminal;
  }

  /** Throws as {@link attachable}, without waiting. */
  async requireOwn(id: string, person: Person): Promise<void> {
    await this.#own(id, person);
  }

  // ── what the gateway asks ──

  /** Null once the session is ended or ending, and for an unclaimed sandbox. */
  alive(id: string): AliveSession | null {
    const live = this.#live.get(id);
    if (!live?.alive) return null;
    const { row } = live;
    return {
      id,
      clusterId: row.clusterId,
      actorId: row.user.id,
      actor: row.user.email,
      role: row.role,
      serviceAccount: row.serviceAccount,
      clientAddress: row.clientAddress,
    };
  }

  /** The account's token, where nothing has to be waited for. */
  tokenAtHand(id: string): string | null {
    const live = this.#live.get(id);
    return live?.alive ? live.account.tokenAtHand : null;
  }

  /** The same, waiting while it is being made. Throws Problem `session-ended` or what made it fail. */
  async upstreamToken(id: string, signal: AbortSignal): Promise<string> {
    const live = this.#live.get(id);
    if (!live?.alive) throw sessionEnded();
    return live.account.token(signal);
  }

  // ── what the terminal tells (none of them throws) ──

  humanInput(id: string, at: Date): void {
    const live = this.#live.get(id);
    if (live) heardInput(this.#deps, live, at);
  }

  attached(id: string, page: PageFacts): void {
    const noted = () => rows.noteAttached(this.#deps.db, id, page.webSession, this.#deps.now());
    this.#attachment(id, null, 'session.attached', page.clientAddress, noted);
    this.#live.get(id)?.tellOutage();
  }

  detached(id: string): void {
    const detachedAt = this.#deps.now();
    const noted = () => rows.noteSession(this.#deps.db, id, { detachedAt });
    this.#attachment(id, detachedAt, 'session.detached', null, noted);
  }

  #attachment(
    id: string,
    detachedAt: Date | null,
    code: AuditCode,
    clientAddress: string | null,
    note: () => Promise<void>,
  ): void {
    const live = this.#live.get(id);
    if (!live?.alive) return;
    live.row = { ...live.row, detachedAt };
    live.push();
    const told = this.#audit(live, code, live.row.user, { clientAddress }, {});
    Promise.all([note(), told]).catch((err: unknown) =>
      this.#deps.log.warn({ err, session: id }, `${code} was not written`),
    );
  }

  exited(id: string, exit: { code: number | null; signal: number | null }): void {
    const detail = exit.signal ? `The shell was ended by signal ${exit.signal}.` : null;
    void this.end(id, { reason: 'exited', detail, exitCode: exit.code }).catch(this.#logged(id));
  }

  fault(id: string, message: string): void {
    void this.end(id, { reason: 'fault', detail: message }).catch(this.#logged(id));
  }

  hiddenShell(id: string, detail: string): void {
    const live = this.#live.get(id);
    if (!live?.alive) return;
    live.sandbox?.terminal.banner({
      kind: 'warning',
      code: 'hidden-shell',
      text: 'The shell reads without echo: what is typed now is not recorded. This has been noted.',
    });
    this.#audit(live, 'session.hidden-shell', live.row.user, {}, { detail }).catch(this.#logged(id));
  }

  /** The session host is away for longer than a reconnection takes, or is back. */
  answers(id: string, answers: boolean): void {
    this.#live.get(id)?.outage({ shell: !answers });
  }

  // ── time and restarts ──

  /** The container engine, or the database, went away or is back. */
  answersAll(part: 'engine' | 'database', answers: boolean): void {
    this.#away = { ...this.#away, [part]: !answers };
    for (const live of this.#live.values()) live.outage(this.#away);
  }

  /** Once a second. */
  tick(): void {
    for (const live of this.#live.values())
      keepUp(this.#deps, live, (ending) => void this.#end(live, ending).catch(this.#logged(live.id)));
  }

  /**
   * Ends sessions whose person, sign-in, role or cluster is no more, and those that another replica was asked to end.
   * Called whenever one of these changed.
   */
  checkRevocations(): Promise<void> {
    return this.#revocations.run();
  }

  async #endRevoked(): Promise<void> {
    const held = [...this.#live.values()].filter(({ alive }) => alive).map(({ id }) => id);
    const [revoked, ended] = await Promise.all([
      rows.revokedOf(this.#deps.db, { replica: this.#deps.replica }),
      endedByOthers(this.#deps, held),
    ]);
    const endings = revoked.map(({ id, reason, detail }) => ({ id, ending: { reason, detail } }));
    await Promise.all([...endings, ...ended].map(({ id, ending }) => this.end(id, ending)));
  }

  /**
   * Takes up what an earlier run of this replica left: sessions go on where their container runs, the others end.
   * Throws Problem `engine-unavailable`: then nothing is decided, and the caller tries again.
   */
  takeOver(): Promise<void> {
    this.#takingOver ??= this.#takeOver().finally(() => {
      this.#takingOver = undefined;
    });
    return this.#takingOver;
  }

  async #takeOver(): Promise<void> {
    const unfinished = await rows.unfinishedOf(this.#deps.db, this.#deps.replica);
    const known = (id: string) => this.#live.has(id) || this.#inserting.has(id) || this.#unwritten.has(id);
    const found = unfinished.filter(({ id }) => !known(id));
    if (found.length === 0) return;
    const containers = new Map((await this.#deps.runtime.list()).map((summary) => [summary.sandbox, summary]));
    await each(found, TAKEOVER_WIDTH, async (row) => {
      const container = containers.get(row.id);
      const verdict = verdictOn(row, container);
      if (verdict.kind === 'end') {
        const why: Ending = { reason: 'fault', detail: verdict.detail };
        await endRow(this.#endingDeps, row, why).catch(this.#logged(row.id));
      } else await this.#adopt(row, container!.container).catch(this.#logged(row.id));
    });
  }

  async #adopt(row: rows.SessionWithNames, container: string): Promise<void> {
    const live = this.#hold(await leaseRow(this.#deps, row));
    try {
      live.started = takeUp(this.#deps, live, container, sealingContexts.hostSecret(row.id));
      await live.started;
    } catch (error) {
      this.#deps.log.warn({ err: error, session: row.id }, 'a running session could not be taken up');
      await this.#end(live, { reason: 'fault', detail: detailOf(error) });
      return;
    }
    // An ending that the earlier run began: its last output is in the recording now.
    if (row.state === 'ending')
      await this.#end(live, {
        reason: row.endReason as Ending['reason'],
        detail: row.endDetail,
        exitCode: row.exitCode,
      });
    else this.#watch(live);
  }

  /** Whether something is left to the reaper that an early round may finish. */
  get left(): boolean {
    return this.#left || this.#unwritten.size > 0;
  }

  /** One round of making engine and clusters agree with the database; also finishes what could not be written. */
  async reap(): Promise<void> {
    this.#left = false;
    for (const [id, write] of this.#unwritten) if (await write()) this.#unwritten.delete(id);
    await this.checkRevocations().catch(this.#logged(null));
    await this.takeOver().catch(this.#logged(null));
    await tendOrphans(this.#endingDeps).catch(this.#logged(null));
    await reap({
      ...this.#deps,
      others: () => this.#others(),
      known: () => [...this.#deps.pool.ids(), ...this.#live.keys()],
    });
  }

  /** Lets go of everything without ending it: pages are told to reconnect, sessions go on in the next run. */
  letGo(): Promise<void> {
    this.#stopping = true;
    this.#lettingGo ??= Promise.all([...this.#live.values()].map((live) => this.#letGo(live))).then(() => {});
    return this.#lettingGo;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.letGo();
  }

  async #letGo(live: LiveSession): Promise<void> {
    if (!live.ending && !(await settledWithin(live.opening, STOP_OPENINGS_MS)))
      await this.#end(live, { reason: 'fault', detail: 'The portal was stopped while the session was being opened.' });
    if (live.ending) return live.ending;
    await writeInput(this.#deps, live);
    // Its page is closed from now on; where this portal does not come back, the others go by it.
    const detachedAt = live.row.detachedAt ?? this.#deps.now();
    await rows.noteSession(this.#deps.db, live.id, { detachedAt }).catch(this.#logged(live.id));
    await this.#deps.gateway.cut(live.id);
    await live.sandbox?.terminal.release();
    await live.sandbox?.sandbox.release();
  }

  // ── within ──

  async #others(): Promise<string[]> {
    return livingOthers(await replicasSeen(this.#deps.db), this.#deps.replica);
  }

  #hold(row: rows.SessionWithNames): LiveSession {
    const facts = {
      sessionId: row.id,
      serviceAccount: row.serviceAccount,
      clusterRoles: row.clusterRoles,
      namespaces: row.namespaces,
    };
    const live = new LiveSession(row, new ClusterAccount(this.#deps, row.clusterId, facts, row.hardCapAt));
    live.outage(this.#away);
    this.#live.set(row.id, live);
    return live;
  }

  #end(live: LiveSession, ending: Ending): Promise<void> {
    live.ending ??= endLive(this.#endingDeps, live, ending).then((unwritten) => {
      if (unwritten) this.#unwritten.set(live.id, unwritten);
      this.#live.delete(live.id);
    });
    return live.ending;
  }

  /** A container that stops by itself ends its session. */
  #watch(live: LiveSession): void {
    void live.sandbox!.sandbox.exited.then(async (exit) => {
      if (!live.alive || (await settledWithin(ended(live), EXIT_GRACE_MS)) || this.#stopping) return;
      const detail = exit.oomKilled
        ? 'The sandbox ran out of memory and was stopped.'
        : `The sandbox’s container stopped (${exit.error ?? `exit code ${exit.code ?? 'unknown'}`}).`;
      await this.#end(live, { reason: 'fault', detail });
    });
  }

  async #own(id: string, person: Person): Promise<LiveSession> {
    const live = this.#live.get(id);
    if (!live) {
      const row = await visibleRow(this.#deps.db, id, person);
      if (row.userId !== person.id) throw notYours();
      if (row.state === 'ended' || row.channel !== 'terminal') throw notLive();
      throw (await heldElsewhere(this.#deps, row)) ? elsewhere() : comingBack();
    }
    if (live.row.userId !== person.id) throw person.portal === 'member' ? sessionUnknown() : notYours();
    if (!live.alive) throw notLive();
    return live;
  }

  /** What this process knows is newer than the row, until the row has ended. */
  #shown(row: rows.SessionWithNames): SessionView {
    const live = this.#live.get(row.id);
    return live && row.state !== 'ended' ? live.view() : sessionView(row);
  }

  async #orRefused<T>(person: Person, caller: Caller, cluster: ClusterFacts, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Problem)
        await this.#deps.audit.record({
          at: this.#deps.now(),
          code: 'session.refused',
          actorId: person.id,
          actor: person.email,
          clusterId: cluster.id,
          ...caller,
          detail: { code: error.code },
        });
      throw error;
    }
  }

  #audit(
    live: LiveSession,
    code: AuditCode,
    by: { id: string; email: string },
    caller: Partial<{ clientAddress: string | null; correlationId: string }>,
    detail: Record<string, unknown>,
  ): Promise<void> {
    const { clusterId } = live.row;
    const at = this.#deps.now();
    return this.#deps.audit.record({
      at,
      code,
      actorId: by.id,
      actor: by.email,
      sessionId: live.id,
      clusterId,
      ...caller,
      detail,
    });
  }

  #logged(session: string | null): (err: unknown) => void {
    return (err) => this.#deps.log.error({ err, session }, 'sessions: an unexpected failure');
  }
}

type OpeningFacts = {
  size: Size;
  cluster: ClusterFacts;
  secret: Buffer;
  warm: EquippedSandbox | undefined;
  person: Person;
  caller: Caller;
};

function ended(live: LiveSession): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (live.abort.signal.aborted) resolve();
  else live.abort.signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
