/** The ids that join a request to its log lines: ours, the caller's `X-Correlation-Id`, W3C Trace Context. */
import { randomFillSync } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export type Correlation = {
  /** In each log line, audit event and problem of the request. */
  id: string;
  /** Returned to the caller: its trace, our span (https://www.w3.org/TR/trace-context/). */
  traceparent: string;
};

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** What may stand in a log line and a header without harm. */
const CORRELATION_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Takes what the caller sent where it is well-formed; makes up the rest. */
export function correlate(headers: {
  correlationId: string | undefined;
  traceparent: string | undefined;
}): Correlation {
  const parent = TRACEPARENT.exec(headers.traceparent ?? '');
  const known =
    parent &&
    parent[1] !== 'ff' &&
    !/^0+$/.test(parent[2]!) &&
    !/^0+$/.test(parent[3]!) &&
    !(parent[1] === '00' && parent[5]);
  const traceId = known ? parent[2]! : randomHex(32);
  const flags = known ? parent[4]! : '00';
  const given = headers.correlationId;
  return {
    id: given && CORRELATION_ID.test(given) ? given : traceId,
    traceparent: `00-${traceId}-${randomHex(16)}-${flags}`,
  };
}

/** Random bytes in store: asked for one by one they take longer than all else here. */
const STORE = Buffer.alloc(4_096);
let used = STORE.length;

/** So many digits of as many half bytes. */
function randomHex(digits: number): string {
  const bytes = digits / 2;
  if (used + bytes > STORE.length) {
    randomFillSync(STORE);
    used = 0;
  }
  return STORE.toString('hex', used, (used += bytes));
}

/** Of a request as Node has it; null: of none that could be read. */
export function correlationOf(incoming: Pick<IncomingMessage, 'headers'> | null): Correlation {
  const one = (name: string): string | undefined => {
    const value = incoming?.headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  return correlate({ correlationId: one('x-correlation-id'), traceparent: one('traceparent') });
}
