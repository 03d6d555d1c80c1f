import type { ReactNode } from 'react';
import { Frame } from '../shell/frame.tsx';

/** Every page of a signed-in person: header, page, and the dock, which outlives navigation. */
export default function PortalLayout({ children }: { children: ReactNode }) {
  return <Frame>{children}</Frame>;
}
