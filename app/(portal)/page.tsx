import type { Metadata } from 'next';
import { Start } from './start.tsx';

export const metadata: Metadata = { title: 'Start' };

export default function Page() {
  return <Start />;
}
