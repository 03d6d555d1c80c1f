'use client';
import { useEffect } from 'react';
import { SessionTerminal } from '../../dock/pane.tsx';
import { useSession } from '../../dock/use-session.ts';

export function PopOut({ id }: { id: string }) {
  const session = useSession(id).data;
  useEffect(() => {
    if (session)
      document.title = `${session.cluster.production ? 'PRODUCTION ' : ''}${session.cluster.name} · Sallyport`;
  }, [session]);
  return (
    <main className="flex h-dvh flex-col">
      <h1 className="sr-only">Terminal{session ? ` on ${session.cluster.name}` : ''}</h1>
      <SessionTerminal id={id} active onClose={() => window.close()} />
    </main>
  );
}
