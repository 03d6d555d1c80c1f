/** The id that joins a call's error, log lines and audit event: the caller's, where it gave one that may be repeated. */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export function correlationOf(headers: IncomingHttpHeaders): string {
  const given = headers['x-correlation-id'];
  if (typeof given === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(given)) return given;
  // W3C Trace Context: version, trace id, parent id, flags.
  const trace = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(String(headers['traceparent'] ?? ''))?.[1];
  return trace && !/^0+$/.test(trace) ? trace : randomUUID();
}
