'use client';
import type { RefObject } from 'react';
import { useStore } from '../lib/store.ts';
import { dock } from './dock-store.ts';

/** The dock takes at least this share of the window's height, and at most that. */
const LEAST = 0.2;
const MOST = 0.85;

/** Drags the dock's upper edge; arrow keys do the same. */
export function Resizer({ root }: { root: RefObject<HTMLElement | null> }) {
  const { share } = useStore(dock);
  const set = (value: number) => dock.update((state) => ({ ...state, share: Math.min(MOST, Math.max(LEAST, value)) }));
  return (
    <div
      role="separator"
      aria-orientation="horizontal"
      aria-label="Height of the terminals"
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={LEAST * 100}
      aria-valuemax={MOST * 100}
      tabIndex={0}
      className="absolute inset-x-0 -top-1 z-10 h-2 cursor-row-resize touch-none hover:bg-accent/40"
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        const frame = root.current?.parentElement?.getBoundingClientRect();
        if (frame && event.currentTarget.hasPointerCapture(event.pointerId))
          set((frame.bottom - event.clientY) / frame.height);
      }}
      onKeyDown={(event) => {
        if (event.key === 'ArrowUp') set(share + 0.05);
        if (event.key === 'ArrowDown') set(share - 0.05);
      }}
    />
  );
}
