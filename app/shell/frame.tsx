'use client';
import { useQuery } from '@tanstack/react-query';
import { useRef, type ReactNode } from 'react';
import { Dock } from '../dock/dock.tsx';
import { queries } from '../lib/queries.ts';
import { ProblemPanel } from '../ui/problem.tsx';
import { Header } from './header.tsx';
import { Palette } from './palette.tsx';
import { Shortcuts } from './shortcuts.tsx';

/** The window: header on top, the page in the middle, terminals below. */
export function Frame({ children }: { children: ReactNode }) {
  const main = useRef<HTMLElement>(null);
  const me = useQuery(queries.me());
  return (
    <div className="flex h-dvh flex-col overflow-hidden">
      <a
        href="#page"
        className="btn sr-only z-[80] focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
        onClick={() => main.current?.focus()}
      >
        Skip to the page
      </a>
      <Header me={me.data} />
      <div className="relative flex min-h-0 flex-1 flex-col">
        <main ref={main} id="page" tabIndex={-1} className="min-h-0 flex-1 overflow-y-auto outline-none">
          {me.error && !me.data ? (
            <div className="mx-auto max-w-[720px] p-6">
              <ProblemPanel error={me.error} retry={() => void me.refetch()} />
            </div>
          ) : (
            children
          )}
        </main>
        <Dock />
      </div>
      <Palette me={me.data} />
      <Shortcuts />
    </div>
  );
}
