'use client';
import { usePathname, useRouter, useSearchParams } from 'next/navigation';
import { useCallback } from 'react';

/** The page's filters and sorting live in its address: they can be linked, reloaded and gone back to. */
export function useSearch(): [URLSearchParams, (change: Record<string, string | null>, push?: boolean) => void] {
  const params = useSearchParams();
  const router = useRouter();
  const pathname = usePathname();
  const set = useCallback(
    (change: Record<string, string | null>, push = false) => {
      // The address as it is now: two changes in one tick must not undo each other.
      const next = new URLSearchParams(window.location.search);
      for (const [key, value] of Object.entries(change)) {
        if (value) next.set(key, value);
        else next.delete(key);
      }
      const text = next.toString();
      const address = text ? `${pathname}?${text}` : pathname;
      if (push) router.push(address, { scroll: false });
      else window.history.replaceState(null, '', address);
    },
    [router, pathname],
  );
  return [new URLSearchParams(params), set];
}
