import type { Metadata } from 'next';
import { Clusters } from './clusters.tsx';

export const metadata: Metadata = { title: 'Clusters' };

export default function Page() {
  return <Clusters />;
}
