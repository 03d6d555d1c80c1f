'use client';
import type { Session } from '../../../../server/http/schemas.ts';
import { Calls } from './calls.tsx';

export function Timeline({ session }: { session: Session; recording: boolean }) {
  return (
    <section aria-label="Calls to the cluster" className="flex h-[60vh] flex-col">
      <Calls session={session} at={null} onSeek={null} />
    </section>
  );
}
