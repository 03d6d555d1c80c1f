import { Gauge, type Registry } from 'prom-client';
import type { AuditLog } from './audit-log.ts';

/** What /metrics says of the audit log: whether the database takes events, and how long the journal can wait for it. */
export function registerAuditMetrics(registry: Registry, audit: Pick<AuditLog, 'stats'>): void {
  const gauges = {
    sallyport_audit_journal_bytes: [
      'Events on this disk that the database may not have yet.',
      () => audit.stats().journalBytes,
    ],
    sallyport_audit_journal_bound_bytes: [
      'At this many bytes of the journal, changing calls are refused.',
      () => audit.stats().bound,
    ],
    sallyport_audit_database_failures: [
      'Attempts in a row at writing events to the database that failed.',
      () => audit.stats().databaseFailures,
    ],
  } as const;
  for (const [name, [help, value]] of Object.entries(gauges))
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
}
