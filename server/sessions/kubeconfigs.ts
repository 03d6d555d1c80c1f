/**
 * Serves access sessions of channels `kubeconfig`, `link` and `service`: what stands behind a credential on a laptop, in
 * CI, in a link or in a browser. No replica owns one: whichever a call reaches serves it, wakes it, and notes its use.
 * Idling makes it dormant, its account removed; the next call wakes it under the same id. What ended it is the row's to
 * say, and every replica hears of it.
 */
import { setTimeout } from 'node:timers/promises';
import type { Db } from '../../db/client.ts';
import * as rows from '../../db/queries/sessions.ts';
import { type Channel, OWN_TOOLS } from '../domain/access-session.ts';
import type { AuditCode } from '../domain/audit-codes.ts';
import type { Person } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import { sessionEnded, sessionUnknown } from '../domain/shared-problems.ts';
import { each, within } from './bounds.ts';
import { ClusterAccount } from './cluster-account.ts';
import type { Ending } from './ending.ts';
import type { AccountsPart, AuditPart, Caller, Log } from './parts.ts';
import { accountLate } from './problems.ts';
import { HARD_CAP, notOurs, standing } from './standing.ts';

/** Longer than it is looked for. */
const GRANT_MS = 10_000;
/** Between looks at the clocks. */
const TICK_MS = 2_000;
/** The database hears of a session's use this often at most, and sooner where its idle time is short. */
const NOTE_MS = 15_000;
/** What a removal takes that has not failed; after that the reaper tries, and a call no longer waits for it. */
const FALLING_ASLEEP_MS = 5_000;
const LOOK_MS = 50;
/** A row that changes each time it is read belongs to a session in turmoil. */
const LOOKS = 5;
/** Rows kept at hand; beyond it the oldest is asked for again. */
const CACHE_MAX = 10_000;
const WIDTH = 8;

export type KubeconfigsDeps = {
  db: Db;
  accounts: AccountsPart;
  /** Resolves once the cluster grants the account of that token what it was bound to. */
  inForce(account: Pick<Held, 'sessionId' | 'clusterId' | 'namespaces'>, token: string): Promise<void>;
  calls: {
    /** Ends the session's calls; resolves when they are gone. */
    cut(sessionId: string, reason: Problem): Promise<void>;
    /** When bytes of any of its calls last moved, ms. */
    progressAt(sessionId: string): number;
  };
  notifications: {
    on(
      topic: 'access-session' | 'web-session' | 'api-token' | 'user' | 'role' | 'cluster' | 'link-key',
      handler: (id: string) => void,
    ): unknown;
    onReset(handler: () => void): unknown;
    readonly listening: boolean;
  };
  announce(session: string): Promise<void>;
  /** What wakes a dormant kubeconfig of that role; null: there is no such role any more. */
  wakeBy(role: string): Promise<'call' | 'person' | null>;
  /** Where a person wakes one. */
  accountPage: string;
  /** Ends a session by its row, and whatever it has. */
  end(session: string, ending: Ending): Promise<void>;
  audit: AuditPart;
  now: () => Date;
  log: Log;
};

/**
 * This process's own token of a session's account. `granted`: once the cluster grants it what it is bound to;
 * `inForce`: it does.
 */
type Held = {
  sessionId: string;
  account: ClusterAccount;
  clusterId: string;
  namespaces: string[];
  granted: Promise<void> | null;
  inForce: boolean;
};
/** `certificate`: the serial number of the one that came; null: none did. */
type Claims = { channel: Channel; sessionId: string; subject: string; certificate: string | null };
type Known = { row: rows.SessionWithNames; usedAt: number; notedAt: number };

export class Kubeconfigs implements AsyncDisposable {
  readonly #deps: KubeconfigsDeps;
  /** Sessions that were found standing and awake, and may be taken at their word until something changes. */
  readonly #known = new Map<string, Known>();
  readonly #accounts = new Map<string, Held>();
  /** Looks under way, by session; one whose session changed meanwhile may have read what is no longer so. */
  readonly #looks = new Map<string, Set<{ stale: boolean }>>();
  #checking: Promise<void> = Promise.resolve();
  #ticking: Promise<void> | null = null;
  readonly #timer: NodeJS.Timeout;

  constructor(deps: KubeconfigsDeps) {
    this.#deps = deps;
    const { notifications } = deps;
    // Whoever announces a session has ended it or put it to sleep.
    notifications.on('access-session', (id) => {
      this.#forget(id);
      void deps.calls.cut(id, sessionEnded());
    });
    for (const topic of ['web-session', 'api-token', 'user', 'role', 'cluster', 'link-key'] as const)
      notifications.on(topic, () => this.#doubt());
    notifications.onReset(() => this.#doubt());
    this.#timer = setInterval(() => void this.tick(), TICK_MS).unref();
  }

  /** A call with that credential: its session, woken where it was dormant. Throws Problem `credential-revoked`. */
  async use(claims: Claims) {
    const known = await this.#look(claims);
    // Looked at anew at each call, also where the row is known.
    if (!isOf(known.row, claims)) throw notOurs();
    known.usedAt = this.#deps.now().getTime();
    const { row } = known;
    return {
      id: row.id,
      clusterId: row.clusterId,
      cluster: row.cluster.name,
      actorId: row.user.id,
      actor: row.user.email,
      role: row.role,
      serviceAccount: row.serviceAccount,
    };
  }

  /** The account's token, where it is in force and nothing has to be waited for. */
  tokenAtHand(sessionId: string): string | null {
    const held = this.#accounts.get(sessionId);
    return held?.inForce ? held.account.tokenAtHand : null;
  }

  /** The same, made at a session's first call. Throws as ClusterAccount.token. */
  async upstreamToken(sessionId: string, signal: AbortSignal): Promise<string> {
    const held = this.#accounts.get(sessionId);
    if (!held) throw sessionEnded();
    const { account } = held;
    try {
      await account.create();
      const token = await account.token(signal);
      // Once an account: its first calls wait together, and it goes on where one of them goes away.
      held.granted ??= this.#deps.inForce(held, token);
      await within(held.granted, GRANT_MS, signal, accountLate);
      held.inForce = true;
      return token;
    } catch (error) {
      // What failed is not kept: the next call tries anew.
      if (!signal.aborted) this.#forget(sessionId);
      throw error;
    }
  }

  /** Somebody removed it on the cluster. */
  accountGone(sessionId: string): void {
    this.#forget(sessionId);
  }

  async #look(claims: Claims): Promise<Known> {
    const { sessionId } = claims;
    const { notifications, now } = this.#deps;
    for (let left = LOOKS; left > 0; left--) {
      const cached = this.#known.get(sessionId);
      if (cached && notifications.listening && cached.row.hardCapAt > now()) return cached;
      const look = { stale: false };
      const looks = this.#looks.get(sessionId) ?? new Set();
      this.#looks.set(sessionId, looks.add(look));
      try {
        const row = await this.#standing(claims);
        // Put to sleep, ended or cut off from its ground while it was read: what was read is not so any more.
        if (look.stale) continue;
        const known = { row, usedAt: now().getTime(), notedAt: row.lastInputAt.getTime() };
        if (!this.#accounts.has(sessionId)) this.#accounts.set(sessionId, this.#accountOf(row));
        if (this.#known.size >= CACHE_MAX) this.#forget(this.#known.keys().next().value!);
        this.#known.set(sessionId, known);
        return known;
      } finally {
        looks.delete(look);
        if (looks.size === 0) this.#looks.delete(sessionId);
      }
    }
    throw accountLate();
  }

  /** The session's row, woken. Throws Problem `credential-revoked` where it does not stand. */
  async #standing(claims: Claims): Promise<rows.SessionWithNames> {
    const { sessionId } = claims;
    const { db, now } = this.#deps;
    const found = await standing(db, sessionId, now());
    if (!isOf(found, claims)) throw notOurs();
    const row = await this.#settled(found);
    if (row.state === 'dormant') {
      if (await this.#waits(row)) throw asleep(row, this.#deps.accountPage);
      await this.#wake(row);
    }
    return row;
  }

  /** Whether it sleeps until its person wakes it. Before its first call nothing has put it to sleep. */
  async #waits({ channel, role, openedAt, lastInputAt }: rows.SessionWithNames): Promise<boolean> {
    if (channel !== 'kubeconfig' || lastInputAt.getTime() === openedAt.getTime()) return false;
    return (await this.#deps.wakeBy(role)) === 'person';
  }

  async #wake(row: rows.SessionWithNames, by: Who = portal): Promise<void> {
    const at = this.#deps.now();
    // Two replicas at once: both make the same account, which is no error, and one tells of it.
    if (await rows.wakeSession(this.#deps.db, row.id, at)) await this.#tell(row, 'session.woken', at, by);
    row.lastInputAt = at;
  }

  /**
   * By its person, in the portal; one that is awake stays so. Throws Problem `session-not-found` where it is no kubeconfig
   * of theirs, `credential-revoked` where it has ended.
   */
  async wake(id: string, person: Pick<Person, 'id' | 'email'>, caller: Caller): Promise<void> {
    const { db, now } = this.#deps;
    const found = await rows.findSession(db, id);
    if (!found || found.channel !== 'kubeconfig' || found.userId !== person.id) throw sessionUnknown();
    const row = await this.#settled(await standing(db, id, now()));
    if (row.state === 'dormant') await this.#wake(row, { actorId: person.id, actor: person.email, ...caller });
  }

  /** Its account is being removed, by whichever replica put it to sleep: one that was made meanwhile would go with it. */
  async #settled(found: rows.SessionWithNames): Promise<rows.SessionWithNames> {
    let row = found;
    for (let tries = FALLING_ASLEEP_MS / LOOK_MS; row.state === 'dormant' && row.cleanupPending && tries > 0; tries--) {
      await setTimeout(LOOK_MS);
      row = await standing(this.#deps.db, row.id, this.#deps.now());
    }
    return row;
  }

  #accountOf(row: rows.SessionWithNames): Held {
    const { id: sessionId, serviceAccount, clusterRoles, namespaces } = row;
    const facts = { sessionId, serviceAccount, clusterRoles, namespaces };
    const account = new ClusterAccount(this.#deps, row.clusterId, facts, row.hardCapAt);
    return { sessionId, account, clusterId: row.clusterId, namespaces, granted: null, inForce: false };
  }

  /** One look at the clocks. Never throws. */
  tick(): Promise<void> {
    this.#ticking ??= this.#tick()
      .catch((err: unknown) => this.#deps.log.warn({ err }, 'kubeconfigs: their clocks could not be looked at'))
      .finally(() => {
        this.#ticking = null;
      });
    return this.#ticking;
  }

  async #tick(): Promise<void> {
    const { db, now } = this.#deps;
    await this.#noteUse();
    for (const [id, { account }] of this.#accounts) if (this.#known.has(id)) account.renewIfDue();
    const asleep = await rows.sleepIdle(db, now());
    await each(asleep, WIDTH, (row) => this.#putToSleep(row));
    const over = await rows.outlived(db, now());
    await each(over, WIDTH, (id) => this.#deps.end(id, { reason: 'hard-cap', detail: HARD_CAP }));
  }

  async #noteUse(): Promise<void> {
    for (const [id, known] of this.#known) {
      const at = Math.max(known.usedAt, this.#deps.calls.progressAt(id));
      if (at - known.notedAt < Math.min(NOTE_MS, known.row.idleMs / 4)) continue;
      await rows.noteInput(this.#deps.db, id, new Date(at));
      known.notedAt = at;
    }
  }

  async #putToSleep(row: rows.SessionRow): Promise<void> {
    const { db, accounts, announce, now, log } = this.#deps;
    await announce(row.id);
    try {
      await accounts.remove(row.clusterId, row.id);
      await rows.noteSession(db, row.id, { cleanupPending: false });
    } catch (err) {
      log.warn({ err, session: row.id }, 'a dormant session’s account was not removed; the reaper tries again');
    }
    await this.#tell(row, 'session.dormant', now());
  }

  /** Ends those whose person, sign-in, role, cluster or signing key is no more; meanwhile every one is asked of the database. */
  #doubt(): void {
    for (const looks of this.#looks.values()) for (const look of looks) look.stale = true;
    this.#known.clear();
    this.#checking = this.#checking
      .then(async () => {
        for (const { id, reason, detail } of await rows.revokedOf(this.#deps.db, { channels: OWN_TOOLS }))
          await this.#deps.end(id, { reason, detail });
      })
      .catch((err: unknown) => this.#deps.log.warn({ err }, 'kubeconfigs: revocations could not be looked for'));
  }

  #forget(id: string): void {
    for (const look of this.#looks.get(id) ?? []) look.stale = true;
    this.#known.delete(id);
    this.#accounts.delete(id);
  }

  #tell(row: rows.SessionRow, code: AuditCode, at: Date, by: Who = portal): Promise<void> {
    return this.#deps.audit.record({ at, code, sessionId: row.id, clusterId: row.clusterId, ...by, detail: {} });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#ticking;
    await this.#noteUse().catch(() => {});
    await this.#checking;
  }
}

type Who = { actorId: string | null; actor: string } & Partial<Caller>;
const portal: Who = { actorId: null, actor: 'portal' };

function asleep({ cluster, idleMs }: rows.SessionWithNames, accountPage: string): Problem {
  const minutes = Math.max(1, Math.round(idleMs / 60_000));
  return new Problem(
    'session-dormant',
    403,
    `Your kubeconfig for "${cluster.name}" sleeps: nobody used it for ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}, and your role has its person wake it.`,
    { next: `Wake it at ${accountPage}, then try again.`, meta: { cluster: cluster.name } },
  );
}

/** A session with a certificate is opened by that certificate alone, one with a token by none. */
function isOf(row: rows.SessionRow, { channel, subject, certificate }: Claims): boolean {
  return row.channel === channel && row.userId === subject && row.certificateSerial === certificate;
}
