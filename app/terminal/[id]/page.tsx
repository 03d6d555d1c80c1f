import type { Metadata } from 'next';
import { sessionIdOf } from '../../lib/session-id.ts';
import { PopOut } from './pop-out.tsx';

export const metadata: Metadata = { title: 'Terminal' };

/** A terminal in a window of its own. */
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <PopOut id={await sessionIdOf(params)} />;
}
