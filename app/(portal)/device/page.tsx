import type { Metadata } from 'next';
import { Device } from './device.tsx';

export const metadata: Metadata = { title: 'Sign in a device' };

export default function Page() {
  return <Device />;
}
