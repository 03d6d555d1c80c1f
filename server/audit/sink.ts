import type { AuditEvent } from '../domain/audit-codes.ts';

/** All that a feature knows of the audit log. */
export interface AuditSink {
  /**
   * Resolves when the event is in the local journal (write(2) returned): from then on a crash does not lose it.
   * Throws Problem `audit-unavailable` where it could not be kept; what it would have told of must then not happen.
   */
  record(event: AuditEvent): Promise<void>;
}
