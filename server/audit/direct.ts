/** Audit events straight into the database: for commands on the server, which have no journal of their own. */
import { randomUUID } from 'node:crypto';
import type { Db } from '../../db/client.ts';
import { auditEvents } from '../../db/schema.ts';
import { storable } from '../domain/printable.ts';
import { Problem } from '../domain/problem.ts';
import type { AuditSink } from './sink.ts';

export function directAudit(db: Db): AuditSink {
  return {
    async record(event) {
      try {
        await db.insert(auditEvents).values(storable({ ...event, key: randomUUID() }));
      } catch (cause) {
        throw new Problem(
          'audit-unavailable',
          503,
          'The audit log cannot be written: nothing may happen that is not on record.',
          {
            next: 'See that the database answers, then run the command again.',
            cause,
          },
        );
      }
    },
  };
}
