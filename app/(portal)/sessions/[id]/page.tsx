import type { Metadata } from 'next';
import { idOf } from '../../../lib/id-of.ts';
import { SessionPage } from './session.tsx';

export const metadata: Metadata = { title: 'Session' };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <SessionPage id={await idOf(params)} />;
}
