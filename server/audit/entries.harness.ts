/** For tests: the rows that a journal's lines become, and the line of a row. */
import type { AuditCode } from '../domain/audit-codes.ts';
import type { StoredEntry } from './entries.ts';

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

export function rowOf(line: string): AuditRow {
  const { key, event } = JSON.parse(line) as StoredEntry;
  const none = { actorId: null, sessionId: null, clusterId: null, auditId: null, clientAddress: null };
  return { ...none, correlationId: null, detail: {}, ...event, key, at: new Date(event.at) };
}

export function lineOf({ key, ...event }: Omit<AuditRow, 'code'> & { code: string }): string {
  return JSON.stringify({ kind: 'event', key, event });
}
