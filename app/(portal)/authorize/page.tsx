import type { Metadata } from 'next';
import { Authorize } from './authorize.tsx';

export const metadata: Metadata = { title: 'Allow a command line' };

export default function Page() {
  return <Authorize />;
}
