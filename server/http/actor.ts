/** Who does it, as the audit log keeps it. */
import type { Context } from 'hono';
import type { AuditEvent } from '../domain/audit-codes.ts';
import type { Caller } from '../sessions/parts.ts';
import type { HttpEnv } from './env.ts';

export type Actor = Pick<AuditEvent, 'actorId' | 'actor' | 'clientAddress' | 'correlationId'>;

export function actorOf(c: Context<HttpEnv>): Actor {
  const person = c.get('person');
  return {
    actorId: person?.id ?? null,
    actor: person?.email ?? 'nobody',
    ...callerOf(c),
  };
}

export function callerOf(c: Context<HttpEnv>): Caller {
  return { clientAddress: c.get('clientAddress'), correlationId: c.get('correlationId') };
}
