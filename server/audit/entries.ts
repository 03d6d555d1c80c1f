/** What the journal's lines hold, and which of them become rows. */
import { randomUUID } from 'node:crypto';
import type { AuditEvent } from '../domain/audit-codes.ts';
import { storable } from '../domain/printable.ts';

/** What a line holds; JSON makes text of the events' times. */
export type Entry<Event = AuditEvent> =
  /** Becomes a row. */
  | { kind: 'event'; key: string; event: Event }
  /** A call that began; a row only if its end never comes, or is long in coming. */
  | { kind: 'started'; key: string; event: Event }
  /** Its end: becomes a row, and closes the one that began with `start`. */
  | { kind: 'finished'; key: string; start: string; event: Event };

/** As it is read from a line. */
export type StoredEntry = Entry<StoredEvent>;
type StoredEvent = Omit<AuditEvent, 'at'> & { at: string };

export function newKey(): string {
  return randomUUID();
}

/** Whether a line becomes a row: a call that began does not. JSON keeps the order of keys. */
export function isRow(line: string): boolean {
  return !line.startsWith('{"kind":"started"');
}

/**
 * The line as Postgres takes it. Nothing that somebody sent keeps a row out of the database: the lines behind it would
 * wait for ever, and with them whatever needs the audit log. What Postgres does not take is escaped in JSON.
 */
export function forDatabase(line: string): string {
  return line.includes('\\u') ? JSON.stringify(storable(JSON.parse(line))) : line;
}

/** Of these lines the calls that began and of which nothing more is known: their process died. */
export class Unfinished {
  readonly #open = new Map<string, StoredEvent>();

  add(entry: StoredEntry): void {
    if (entry.kind === 'started') this.#open.set(entry.key, entry.event);
    else this.#open.delete(entry.kind === 'finished' ? entry.start : entry.key);
  }

  entries(): StoredEntry[] {
    return [...this.#open].map(([key, event]) => ({ kind: 'event', key, event }));
  }
}
