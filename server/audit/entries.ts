/** What the journal's lines hold, and how a line becomes a row. */
import { randomUUID } from 'node:crypto';
import type { AuditCode, AuditEvent } from '../domain/audit-codes.ts';
import { storable } from '../domain/printable.ts';

/** An event with its times as text, as JSON keeps it. */
export type StoredEvent = Omit<AuditEvent, 'at'> & { at: string };

export type Entry =
  /** Becomes a row. */
  | { kind: 'event'; key: string; event: StoredEvent }
  /** A call that began; a row only if its end never comes, or is long in coming. */
  | { kind: 'started'; key: string; event: StoredEvent }
  /** Its end: becomes a row, and closes the one that began with `start`. */
  | { kind: 'finished'; key: string; start: string; event: StoredEvent };

/** A row of audit_events. */
export type AuditRow = {
  key: string;
  at: Date;
  code: AuditCode;
  actorId: string | null;
  actor: string;
  sessionId: string | null;
  clusterId: string | null;
  auditId: string | null;
  clientAddress: string | null;
  correlationId: string | null;
  detail: Record<string, unknown>;
};

export function store(event: AuditEvent): StoredEvent {
  return { ...event, at: event.at.toISOString() };
}

export function newKey(): string {
  return randomUUID();
}

/**
 * Rows that this line is; none for a call that began. Nothing that somebody sent keeps a row out of the database: the
 * lines behind it would wait for ever, and with them whatever needs the audit log.
 */
export function rowsOf(entry: Entry): AuditRow[] {
  if (entry.kind === 'started') return [];
  const { event, key } = entry;
  return [
    storable({
      key,
      at: new Date(event.at),
      code: event.code,
      actorId: event.actorId,
      actor: event.actor,
      sessionId: event.sessionId ?? null,
      clusterId: event.clusterId ?? null,
      auditId: event.auditId ?? null,
      clientAddress: event.clientAddress ?? null,
      correlationId: event.correlationId ?? null,
      detail: event.detail ?? {},
    }),
  ];
}

/** Of these lines the calls that began and of which nothing more is known: their process died. */
export class Unfinished {
  readonly #open = new Map<string, StoredEvent>();

  add(entry: Entry): void {
    if (entry.kind === 'started') this.#open.set(entry.key, entry.event);
    else this.#open.delete(entry.kind === 'finished' ? entry.start : entry.key);
  }

  entries(): Entry[] {
    return [...this.#open].map(([key, event]) => ({ kind: 'event', key, event }));
  }
}
