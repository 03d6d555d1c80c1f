'use client';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { setNonce } from 'get-nonce';
import { createContext, use, useState, type ReactNode } from 'react';
import { PortalError } from './lib/problem.ts';
import { Toaster } from './ui/toast.tsx';

const NonceContext = createContext<string | undefined>(undefined);

/** The nonce of this page load, for the few parts that make style elements themselves (xterm, Radix). */
export function useNonce(): string | undefined {
  return use(NonceContext);
}

/** What the portal decided is not asked again; what the network lost is, twice. */
function shouldRetry(failures: number, error: unknown): boolean {
  const status = error instanceof PortalError ? error.status : 0;
  return failures < 2 && (status === 0 || status >= 502);
}

export function Providers({ nonce, children }: { nonce: string | undefined; children: ReactNode }) {
  const [client] = useState(
    () =>
      new QueryClient({
        defaultOptions: { queries: { retry: shouldRetry, staleTime: 2_000, refetchOnWindowFocus: true } },
      }),
  );
  // Browsers hide the attribute after parsing, so the value of the server's render is kept for the page's life.
  const [kept] = useState(nonce);
  if (kept) setNonce(kept);
  return (
    <NonceContext value={kept}>
      <QueryClientProvider client={client}>
        {children}
        <Toaster />
      </QueryClientProvider>
    </NonceContext>
  );
}
