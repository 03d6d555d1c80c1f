import type { Metadata } from 'next';
import { ClusterPage } from './cluster.tsx';

type Props = { params: Promise<{ name: string }> };

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: decodeURIComponent((await params).name) };
}

export default async function Page({ params }: Props) {
  return <ClusterPage name={decodeURIComponent((await params).name)} />;
}
