import type { Metadata } from 'next';
import { idOf } from '../../lib/id-of.ts';
import { PopOut } from './pop-out.tsx';

export const metadata: Metadata = { title: 'Terminal' };

/** A terminal in a window of its own. */
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <PopOut id={await idOf(params)} />;
}
