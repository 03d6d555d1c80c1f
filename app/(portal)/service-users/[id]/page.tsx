import type { Metadata } from 'next';
import { idOf } from '../../../lib/id-of.ts';
import { ServiceUserPage } from './service-user.tsx';

export const metadata: Metadata = { title: 'Service user' };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <ServiceUserPage id={await idOf(params)} />;
}
