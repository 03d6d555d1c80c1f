/** A session that this process holds: its row as last known, and its running parts. */
import type { SessionWithNames } from '../../db/queries/sessions.ts';
import { Problem } from '../domain/problem.ts';
import type { ClusterAccount } from './cluster-account.ts';
import { noOutage, outageBanner, outageNews, type Outage } from './outage.ts';
import type { EquippedSandbox } from './sandboxes.ts';
import { sessionView, type SessionView } from './view.ts';

export class LiveSession {
  /** Newer than the database's row: the idle clock is written there only now and then. */
  row: SessionWithNames;
  readonly account: ClusterAccount;
  /** Aborted when the ending begins: whatever still opens stops. */
  readonly abort = new AbortController();
  sandbox: EquippedSandbox | undefined;
  /** Settles when the shell has been started, or could not be. */
  started: Promise<void> = Promise.resolve();
  /** Settles, without an error, when the opening is over. */
  opening: Promise<void> = Promise.resolve();
  /** Deadline that the person was last warned of. */
  warnedFor: Date | null = null;
  ending: Promise<void> | undefined;
  /** When the idle clock was last written to the row. */
  inputNotedAt = 0;
  /** Of the sandbox's credential for the Kubernetes path. */
  credential: { issuedAt: Date; expiresAt: Date } | undefined;
  /** Set while a renewal runs, so that there is one. */
  renewing = false;
  /** Another attempt at a failed renewal comes no sooner, ms since the epoch. */
  renewNotBefore = 0;
  #outage = noOutage;

  constructor(row: SessionWithNames, account: ClusterAccount) {
    this.row = row;
    this.account = account;
  }

  get id(): string {
    return this.row.id;
  }

  /** May still do things on its cluster. */
  get alive(): boolean {
    return this.ending === undefined && (this.row.state === 'opening' || this.row.state === 'active');
  }

  view(): SessionView {
    const recordedBytes = Math.max(this.row.recordedBytes, this.sandbox?.terminal.recordedBytes ?? 0);
    return sessionView({ ...this.row, recordedBytes });
  }

  /** Tells the attached page. */
  push(): void {
    this.sandbox?.terminal.state(this.view());
  }

  /** Something that the shell stands on went away or came back. */
  outage(change: Partial<Outage>): void {
    const before = this.#outage;
    this.#outage = { ...before, ...change };
    const news = outageNews(before, this.#outage);
    if (news) this.sandbox?.terminal.banner(news);
  }

  /** Tells a page that came while something is away. */
  tellOutage(): void {
    const standing = outageBanner(this.#outage);
    if (standing) this.sandbox?.terminal.banner(standing);
  }

  /** Runs one step of the opening and notes how long it took. */
  async step<T>(name: string, now: () => Date, work: Promise<T>): Promise<T> {
    const at = now();
    const step = { name, at: at.toISOString(), ms: null as number | null };
    this.row = { ...this.row, steps: [...this.row.steps, step] };
    try {
      return await work;
    } finally {
      const done = { ...step, ms: now().getTime() - at.getTime() };
      this.row = { ...this.row, steps: this.row.steps.map((other) => (other.name === name ? done : other)) };
    }
  }
}

/** What to tell a person of an error that ended their session. */
export function detailOf(error: unknown): string {
  if (error instanceof Problem) return error.next ? `${error.message} ${error.next}` : error.message;
  return error instanceof Error ? error.message : String(error);
}
