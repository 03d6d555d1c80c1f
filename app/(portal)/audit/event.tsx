'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import type { AuditEventBody } from '../../../server/http/schemas.ts';
import { paths } from '../../lib/paths.ts';
import { absoluteTime } from '../../lib/time.ts';
import { CopyButton } from '../../ui/copy.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Fact, Facts, Waiting } from '../../ui/layout.tsx';
import { ProblemPanel } from '../../ui/problem.tsx';

/** One event of the audit log, with the body of a call where it has one. */
export function Event({
  event,
  whole,
  onClose,
}: {
  /** As a list has it. */
  event: AuditEventBody;
  /** Asks for it with its body. */
  whole: (event: AuditEventBody, signal: AbortSignal) => Promise<AuditEventBody>;
  onClose: () => void;
}) {
  const full = useQuery({
    queryKey: ['event', event.at, event.id],
    queryFn: ({ signal }) => whole(event, signal),
    enabled: event.hasBody,
    staleTime: Infinity,
  });
  const body = full.data?.detail['body'];
  return (
    <Dialog open onClose={onClose} title={event.title} wide>
      <Facts>
        <Fact name="When">{absoluteTime(new Date(event.at))}</Fact>
        <Fact name="Code">
          <code>{event.code}</code>
        </Fact>
        <Fact name="Who">{event.actor}</Fact>
        {event.sessionId ? (
          <Fact name="Session">
            <Link className="link" href={paths.session(event.sessionId)}>
              {event.sessionId}
            </Link>
          </Fact>
        ) : null}
        {event.auditId ? (
          <Fact name="Audit-ID">
            <code>{event.auditId}</code> <CopyButton bare text={event.auditId} label="Copy the Audit-ID" />
          </Fact>
        ) : null}
        {event.clientAddress ? <Fact name="From">{event.clientAddress}</Fact> : null}
        {event.correlationId ? (
          <Fact name="Correlation id">
            <code>{event.correlationId}</code>{' '}
            <CopyButton bare text={event.correlationId} label="Copy the correlation id" />
          </Fact>
        ) : null}
      </Facts>
      <pre
        tabIndex={0}
        aria-label="Detail"
        className="mt-4 max-h-80 overflow-auto rounded-md border bg-sunken p-3 text-[12px]"
      >
        {JSON.stringify(event.detail, null, 2)}
      </pre>
      {event.hasBody ? (
        <section aria-labelledby="body">
          <h3 id="body" className="mt-4 mb-1 font-medium">
            What was sent, without what is secret
          </h3>
          {full.error ? (
            <ProblemPanel error={full.error} compact retry={() => void full.refetch()} />
          ) : full.data === undefined ? (
            <Waiting>Asking for the body</Waiting>
          ) : (
            <pre
              tabIndex={0}
              aria-label="Body"
              className="max-h-96 overflow-auto rounded-md border bg-sunken p-3 text-[12px]"
            >
              {JSON.stringify(body, null, 2)}
            </pre>
          )}
        </section>
      ) : null}
    </Dialog>
  );
}
