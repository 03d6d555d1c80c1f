import type { Metadata } from 'next';
import { NewCluster } from './new-cluster.tsx';

export const metadata: Metadata = { title: 'Register a cluster' };

export default function Page() {
  return <NewCluster />;
}
