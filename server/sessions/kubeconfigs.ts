/**
 * Access sessions of channel `kubeconfig`: what stands behind a credential on a laptop or in CI. No replica owns one:
 * whichever a call reaches serves it, wakes it, and notes its use. Idling makes it dormant, its account removed; the
 * next call wakes it under the same id. What ended it is the row's to say, and every replica hears of it.
 */
import { randomUUID } from 'node:crypto';
import type { Db } from '../../db/client.ts';
import * as rows from '../../db/queries/sessions.ts';
import { serviceAccountName, type EndReason } from '../domain/access-session.ts';
import type { AuditCode } from '../domain/audit-codes.ts';
import type { Person } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import { chooseRole, reachingRoles } from '../domain/role-choice.ts';
import { clusterUnknown, sessionEnded } from '../domain/shared-problems.ts';
import { each, within } from './bounds.ts';
import { ClusterAccount } from './cluster-account.ts';
import type { Ending } from './ending.ts';
import type { AccountsPart, AuditPart, ClusterFacts, ClustersPart, Log, RoleLimits } from './parts.ts';

/** Longer than it is looked for. */
const GRANT_MS = 10_000;
const grantLate = () =>
  new Problem('account-late', 503, 'The session’s account on the cluster is not ready yet.', { next: 'Try again.' });
/** Between looks at the clocks. */
const TICK_MS = 2_000;
/** The database hears of a session's use this often at most, and sooner where its idle time is short. */
const NOTE_MS = 15_000;
/** A person's at once, over all clusters; each is a credential that may be lying about. */
const MOST = 50;
/** Rows kept at hand; beyond it the oldest is asked for again. */
const CACHE_MAX = 10_000;
const WIDTH = 8;

export type KubeconfigsDeps = {
  db: Db;
  accounts: AccountsPart;
  clusters: ClustersPart;
  roles: { of(person: Pick<Person, 'groups'>): Promise<RoleLimits[]> };
  /** Signs a credential that ends at `expiresAt`. */
  issue(subject: {
    userId: string;
    sessionId: string;
    clusterId: string;
    expiresAt: Date;
  }): Promise<{ token: string; id: string; expiresAt: Date }>;
  /** Resolves once the cluster grants the account of that token what it was bound to. */
  inForce(account: Pick<Held, 'sessionId' | 'clusterId' | 'namespaces'>, token: string): Promise<void>;
  calls: {
    /** Ends the session's calls; resolves when they are gone. */
    cut(sessionId: string, reason: Problem): Promise<void>;
    /** When bytes of any of its calls last moved, ms. */
    progressAt(sessionId: string): number;
  };
  notifications: {
    on(topic: 'access-session' | 'web-session' | 'user' | 'role' | 'cluster', handler: (id: string) => void): unknown;
    onReset(handler: () => void): unknown;
    readonly listening: boolean;
  };
  announce(session: string): Promise<void>;
  /** Ends a session by its row, and whatever it has. */
  end(session: string, ending: Ending): Promise<void>;
  /** Whether the end of the sign-in that issued it ends a kubeconfig. */
  endWithSignOut: boolean;
  audit: AuditPart;
  now: () => Date;
  log: Log;
};

export type IssuedCredential = {
  sessionId: string;
  cluster: ClusterFacts;
  role: string;
  /** The role's first, or `default`. */
  namespace: string;
  token: string;
  expiresAt: Date;
};

type Caller = { clientAddress: string; correlationId: string };
/** This process's own token of a session's account. `granted`: once the cluster grants it what it is bound to. */
type Held = {
  sessionId: string;
  account: ClusterAccount;
  clusterId: string;
  namespaces: string[];
  granted: Promise<void> | null;
};
type Known = { row: rows.SessionWithNames; usedAt: number; notedAt: number };

export class Kubeconfigs implements AsyncDisposable {
  readonly #deps: KubeconfigsDeps;
  /** Sessions that were found standing and awake, and may be taken at their word until something changes. */
  readonly #known = new Map<string, Known>();
  readonly #accounts = new Map<string, Held>();
  /** Counts what was forgotten: a row that was on its way meanwhile may be stale, and is not kept. */
  #forgotten = 0;
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
    for (const topic of ['web-session', 'user', 'role', 'cluster'] as const)
      notifications.on(topic, () => this.#doubt());
    notifications.onReset(() => this.#doubt());
    this.#timer = setInterval(() => void this.tick(), TICK_MS).unref();
  }

  /**
   * A credential for one cluster, and the session behind it, dormant until the first call. `lifetimeMs` is cut to what
   * the role allows. Throws Problem `cluster-unknown`, those of chooseRole, `too-many-sessions`.
   */
  async issue(
    person: Person,
    wish: { cluster: string; role?: string | undefined; lifetimeMs: number },
    caller: Caller,
  ): Promise<IssuedCredential> {
    const { db, now, audit } = this.#deps;
    const [cluster, roles] = await Promise.all([this.#deps.clusters.find(wish.cluster), this.#deps.roles.of(person)]);
    if (!cluster) throw clusterUnknown(wish.cluster);
    const role = chooseRole(reachingRoles(person.groups, roles), cluster.name, wish.role);
    const at = now();
    const hardCapAt = new Date(at.getTime() + Math.min(wish.lifetimeMs, role.hardCapMs));
    const id = randomUUID();
    const row = await rows.insertSession(
      db,
      {
        id,
        userId: person.id,
        webSessionId: this.#deps.endWithSignOut && person.proof.kind === 'web-session' ? person.proof.id : null,
        clusterId: cluster.id,
        role: role.name,
        channel: 'kubeconfig',
        state: 'dormant',
        serviceAccount: serviceAccountName(person.slug, id),
        clusterRoles: role.clusterRoles,
        namespaces: role.namespaces,
        idleMs: role.idleMs,
        detachedMs: role.detachedMs,
        clientAddress: caller.clientAddress,
        openedAt: at,
        lastInputAt: at,
        hardCapAt,
        cleanupPending: false,
      },
      MOST,
    );
    if (!row)
      throw new Problem(
        'too-many-sessions',
        409,
        `You have ${MOST} kubeconfigs that are valid, the most a person may.`,
        {
          next: 'Revoke one that is no longer used.',
          meta: { max: String(MOST) },
        },
      );
    const issued = await this.#deps.issue({
      userId: person.id,
      sessionId: id,
      clusterId: cluster.id,
      expiresAt: hardCapAt,
    });
    await audit.record({
      at,
      code: 'kubeconfig.issued',
      actorId: person.id,
      actor: person.email,
      sessionId: id,
      clusterId: cluster.id,
      ...caller,
      detail: { credential: issued.id, role: role.name, cluster: cluster.name, expiresAt: issued.expiresAt },
    });
    const namespace = role.namespaces[0] ?? 'default';
    return { sessionId: id, cluster, role: role.name, namespace, token: issued.token, expiresAt: issued.expiresAt };
  }

  /** A call with that credential: its session, woken where it was dormant. Throws Problem `credential-revoked`. */
  async use(claims: { sessionId: string; subject: string }) {
    const known = await this.#look(claims);
    known.usedAt = this.#deps.now().getTime();
    const { row } = known;
    return {
      id: row.id,
      clusterId: row.clusterId,
      cluster: row.cluster.name,
      actorId: row.user.id,
      actor: row.user.email,
      serviceAccount: row.serviceAccount,
    };
  }

  /** The account's token, made at a session's first call. Throws as ClusterAccount.token. */
  async upstreamToken(sessionId: string, signal: AbortSignal): Promise<string> {
    const held = this.#accounts.get(sessionId);
    if (!held) throw sessionEnded();
    const { account } = held;
    try {
      await account.create();
      const token = await account.token(signal);
      // Once an account: its first calls wait together, and it goes on where one of them goes away.
      held.granted ??= this.#deps.inForce(held, token);
      await within(held.granted, GRANT_MS, signal, grantLate);
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

  async #look({ sessionId, subject }: { sessionId: string; subject: string }): Promise<Known> {
    const { db, notifications, now } = this.#deps;
    const cached = this.#known.get(sessionId);
    if (cached && notifications.listening && cached.row.hardCapAt > now()) return cached;
    const before = this.#forgotten;
    const [row, revoked] = await Promise.all([
      rows.findSession(db, sessionId),
      rows.revokedOf(db, { ids: [sessionId] }),
    ]);
    if (!row || row.channel !== 'kubeconfig' || row.userId !== subject)
      throw gone('unknown', 'It is none of this portal’s.');
    if (revoked[0]) throw gone(revoked[0].reason, revoked[0].detail);
    if (row.hardCapAt <= now()) throw gone('hard-cap', endings['hard-cap']);
    if (row.state !== 'active' && row.state !== 'dormant')
      throw gone(row.endReason ?? 'ended', row.endDetail ?? endings[row.endReason as EndReason] ?? '');
    if (row.state === 'dormant') await this.#wake(row);
    const known = { row, usedAt: now().getTime(), notedAt: row.lastInputAt.getTime() };
    if (!this.#accounts.has(sessionId)) this.#accounts.set(sessionId, this.#accountOf(row));
    if (before === this.#forgotten) {
      if (this.#known.size >= CACHE_MAX) this.#forget(this.#known.keys().next().value!);
      this.#known.set(sessionId, known);
    }
    return known;
  }

  async #wake(row: rows.SessionWithNames): Promise<void> {
    const at = this.#deps.now();
    // Two replicas at once: both make the same account, which is no error, and one tells of it.
    if (await rows.wakeSession(this.#deps.db, row.id, at)) await this.#tell(row, 'session.woken', at);
    row.lastInputAt = at;
  }

  #accountOf(row: rows.SessionWithNames): Held {
    const { id: sessionId, serviceAccount, clusterRoles, namespaces } = row;
    const facts = { sessionId, serviceAccount, clusterRoles, namespaces };
    const account = new ClusterAccount(this.#deps, row.clusterId, facts, row.hardCapAt);
    return { sessionId, account, clusterId: row.clusterId, namespaces, granted: null };
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
    await each(over, WIDTH, (id) => this.#deps.end(id, { reason: 'hard-cap', detail: endings['hard-cap'] }));
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

  /** Ends those whose person, sign-in, role or cluster is no more; meanwhile every one is asked of the database. */
  #doubt(): void {
    this.#forgotten++;
    this.#known.clear();
    this.#checking = this.#checking
      .then(async () => {
        for (const { id, reason, detail } of await rows.revokedOf(this.#deps.db, { channel: 'kubeconfig' }))
          await this.#deps.end(id, { reason, detail });
      })
      .catch((err: unknown) => this.#deps.log.warn({ err }, 'kubeconfigs: revocations could not be looked for'));
  }

  #forget(id: string): void {
    this.#forgotten++;
    this.#known.delete(id);
    this.#accounts.delete(id);
  }

  #tell(row: rows.SessionRow, code: AuditCode, at: Date): Promise<void> {
    const facts = { sessionId: row.id, clusterId: row.clusterId, actorId: null, actor: 'portal' };
    return this.#deps.audit.record({ at, code, ...facts, detail: {} });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#ticking;
    await this.#noteUse().catch(() => {});
    await this.#checking;
  }
}

const endings: Record<EndReason, string> = {
  exited: 'Its session has ended.',
  'ended-by-person': 'You revoked it.',
  'signed-out': 'You signed out.',
  idle: 'Nobody used it.',
  detached: 'Nobody used it.',
  'hard-cap': 'It reached its longest time.',
  revoked: 'An administrator revoked it.',
  fault: 'Its session has ended.',
};

function gone(reason: string, why: string): Problem {
  return new Problem('credential-revoked', 401, `This kubeconfig is not valid any more. ${why}`.trim(), {
    next: 'Download a new one in the portal.',
    meta: { reason },
  });
}
