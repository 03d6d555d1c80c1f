/**
 * The audit log. Facts are durable in the local journal when `record` resolves and are copied to the database in
 * batches. While the database is away the journal grows up to a bound; past it the portal refuses what changes
 * anything (no audit, no mutating call), a little later everything.
 */
import { Problem } from '../domain/problem.ts';
import type { AuditEvent } from '../domain/audit-codes.ts';
import { type Entry, forDatabase, isRow, newKey, type StoredEntry, Unfinished } from './entries.ts';
import { Journal, JournalFull } from './journal.ts';
import { isBefore, type JournalPosition } from './recent-lines.ts';
import type { AuditSink } from './sink.ts';

export type AuditLogDeps = {
  /** Folder of the journal; one portal process at a time. */
  dir: string;
  /** Facts are on the disk, not only with the kernel, when `record` resolves; default: off. */
  fsync?: boolean;
  /** Writes rows, each the JSON of an Entry; a row whose (at, key) is there already is left as it is. */
  insert(lines: string[]): Promise<void>;
  now(): Date;
  /** Told once per failed attempt to write to the database or to the journal. */
  onFault(error: unknown, what: 'journal' | 'database'): void;
  /** Bytes at which changing calls are refused; default 64 MiB: about 100,000 calls, or 30,000 writes with usual bodies. */
  bound?: number;
};

/** A Kubernetes call that has begun. */
export type CallRecord = {
  /** Resolves when the beginning is in the journal. Throws Problem `audit-unavailable`. */
  readonly started: Promise<void>;
  /** Seen in the log from now on, not only at its end: a stream whose answer has begun. */
  note(more?: Record<string, unknown>): void;
  /** The call's end, once; resolves when it is in the journal, and never throws: the beginning is on record. */
  finish(end: { at: Date; detail: Record<string, unknown> }): Promise<void>;
};

export type CallFacts = Omit<AuditEvent, 'code'> & {
  /** A call that changes something stops at the bound; a read has a quarter more room. */
  changes: boolean;
};

const DEFAULT_BOUND = 64 * 1024 * 1024;
/** An eighth of a smaller bound: what is in the database must be able to leave a full journal. */
const SEGMENT_BYTES = 4 * 1024 * 1024;
const READS_FACTOR = 1.25;
/** A call that is still running after this long is seen in the log before its end. */
const LONG_CALL_MS = 2_000;
const SWEEP_MS = 500;
const BATCH_BYTES = 512 * 1024;
/** Events gather this long before they are sent to the database in one statement; who reads the log asks for them before. */
const GATHER_MS = 50;
const RETRY_MS = [500, 1_000, 2_000, 5_000] as const;

type Open = { event: AuditEvent; since: number; segment: number | null; noted: boolean };

export class AuditLog implements AuditSink, AsyncDisposable {
  readonly #deps: AuditLogDeps;
  readonly #journal: Journal;
  readonly #bound: number;
  readonly #open = new Map<string, Open>();
  #cursor: JournalPosition;
  #copying: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #failures = 0;
  #closed = false;
  readonly #sweep: NodeJS.Timeout;

  private constructor(deps: AuditLogDeps, journal: Journal) {
    this.#deps = deps;
    this.#journal = journal;
    this.#bound = deps.bound ?? DEFAULT_BOUND;
    this.#cursor = { segment: journal.segments[0]!, offset: 0 };
    this.#sweep = setInterval(() => this.#noteLongCalls(), SWEEP_MS).unref();
  }

  /** Takes up what an earlier process left: calls of which no end is known become `api.started`. */
  static async open(deps: AuditLogDeps): Promise<AuditLog> {
    const segmentBytes = Math.min(SEGMENT_BYTES, (deps.bound ?? DEFAULT_BOUND) / 8);
    const journal = await Journal.open(deps.dir, { segmentBytes, fsync: deps.fsync ?? false });
    const unfinished = new Unfinished();
    let at: JournalPosition = { segment: journal.segments[0]!, offset: 0 };
    while (at.segment !== journal.end.segment) {
      const { lines, next } = await journal.read(at, BATCH_BYTES);
      for (const line of lines) unfinished.add(JSON.parse(line) as StoredEntry);
      at = next;
    }
    for (const entry of unfinished.entries()) await journal.append(entry, Number.POSITIVE_INFINITY);
    const log = new AuditLog(deps, journal);
    log.#copySoon(0);
    return log;
  }

  async record(event: AuditEvent): Promise<void> {
    await this.#append({ kind: 'event', key: newKey(), event }, this.#bound * READS_FACTOR);
  }

  startCall({ changes, ...facts }: CallFacts): CallRecord {
    const key = newKey();
    const event: AuditEvent = { ...facts, code: 'api.started' };
    const open: Open = { event, since: this.#deps.now().getTime(), segment: null, noted: false };
    const bound = changes ? this.#bound : this.#bound * READS_FACTOR;
    const started = this.#append({ kind: 'started', key, event }, bound).then(
      (segment) => {
        open.segment = segment;
      },
      (error: unknown) => {
        this.#open.delete(key);
        throw error;
      },
    );
    this.#open.set(key, open);
    return {
      started,
      note: (more = {}) => {
        if (open.noted || open.segment === null) return;
        open.event = { ...open.event, detail: { ...open.event.detail, ...more } };
        this.#note(key, open);
      },
      finish: async ({ at, detail }) => {
        const known = { ...facts.detail, ...detail };
        const finished: AuditEvent = { ...facts, code: 'api.finished', at, detail: this.#fitting(known) };
        try {
          await started;
          // Its room was taken with the beginning: the end is always let in, its body only where there is room.
          await this.#append(
            { kind: 'finished', key: newKey(), start: key, event: finished },
            Number.POSITIVE_INFINITY,
          );
          this.#open.delete(key);
        } catch {
          // The beginning stays open, and so becomes a row of its own as soon as the journal takes lines again.
        }
      },
    };
  }

  /** For /metrics; bytes, and the attempts in a row that the database refused. */
  stats(): { journalBytes: number; bound: number; databaseFailures: number } {
    return {
      journalBytes: this.#journal.bytes,
      bound: this.#bound,
      databaseFailures: this.#failures,
    };
  }

  /** Resolves true once all that was recorded before is in the database, false where that takes longer. */
  async flush(timeoutMs = 2_000): Promise<boolean> {
    const goal = this.#journal.end;
    const deadline = Date.now() + timeoutMs;
    while (this.#behind(goal)) {
      if (this.#failures > 0 || Date.now() > deadline) return false;
      if (this.#timer) clearTimeout(this.#timer);
      this.#timer = null;
      await this.#copy();
    }
    return true;
  }

  async #append(entry: Entry, bound: number): Promise<number> {
    try {
      const segment = await this.#journal.append(entry, bound);
      this.#copySoon(GATHER_MS);
      return segment;
    } catch (cause) {
      const full = cause instanceof JournalFull;
      if (!full) this.#deps.onFault(cause, 'journal');
      throw new Problem(
        'audit-unavailable',
        503,
        full
          ? 'The audit log cannot be written to the database, and its journal is full: nothing may happen that is not on record.'
          : 'The audit log cannot be written: nothing may happen that is not on record.',
        { next: 'Tell the operator of the portal: the database or the disk needs attention.', cause },
      );
    }
  }

  #fitting(detail: Record<string, unknown>): Record<string, unknown> {
    if (detail['body'] === undefined || this.#journal.bytes < this.#bound) return detail;
    const { body: _, ...rest } = detail;
    return { ...rest, bodyLeftOut: 'the journal is full' };
  }

  #noteLongCalls(): void {
    const now = this.#deps.now().getTime();
    for (const [key, open] of this.#open) {
      // In the order of their beginnings: the first young one ends the look.
      if (now - open.since < LONG_CALL_MS) return;
      if (open.noted || open.segment === null) continue;
      this.#note(key, open);
    }
  }

  #note(key: string, open: Open): void {
    open.noted = true;
    this.#append({ kind: 'event', key, event: open.event }, Number.POSITIVE_INFINITY).catch(() => {
      open.noted = false;
    });
  }

  #behind(goal: JournalPosition): boolean {
    return isBefore(this.#cursor, goal);
  }

  #copySoon(afterMs: number): void {
    if (this.#closed || this.#timer || this.#copying) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#copy();
    }, afterMs);
  }

  /** One at a time; never throws. */
  #copy(): Promise<void> {
    this.#copying ??= this.#copyBatches().finally(() => {
      this.#copying = null;
      if (this.#failures > 0) this.#copySoon(RETRY_MS[Math.min(this.#failures, RETRY_MS.length) - 1]!);
      else if (this.#behind(this.#journal.end)) this.#copySoon(GATHER_MS);
    });
    return this.#copying;
  }

  async #copyBatches(): Promise<void> {
    try {
      while (this.#behind(this.#journal.end)) {
        const { lines, next } = await this.#journal.read(this.#cursor, BATCH_BYTES);
        const rows = lines.filter(isRow).map(forDatabase);
        if (rows.length > 0) await this.#deps.insert(rows);
        this.#cursor = next;
        this.#failures = 0;
        await this.#removeCopied();
      }
    } catch (error) {
      this.#failures++;
      this.#deps.onFault(error, 'database');
    }
  }

  /** Segments that are in the database and hold no beginning that is still to be noted. */
  async #removeCopied(): Promise<void> {
    const needed = new Set<number>();
    for (const open of this.#open.values()) if (!open.noted && open.segment !== null) needed.add(open.segment);
    for (const segment of this.#journal.segments)
      if (segment < this.#cursor.segment && !needed.has(segment)) await this.#journal.remove(segment);
  }

  /** Calls still open stay in the journal: the next start makes `api.started` of them. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweep);
    await this.flush();
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#copying;
    await this.#journal[Symbol.asyncDispose]();
  }
}
