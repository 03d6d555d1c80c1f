import type { Metadata } from 'next';
import { sessionIdOf } from '../../../lib/session-id.ts';
import { SessionPage } from './session.tsx';

export const metadata: Metadata = { title: 'Session' };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <SessionPage id={await sessionIdOf(params)} />;
}
