'use client';
import { useEffect, useRef } from 'react';
import { useStore } from '../lib/store.ts';
import { preferences } from '../terminal/preferences.ts';
import { schemes } from '../terminal/schemes.ts';
import type { Player } from './player.ts';

/** The recorded screen at the recorded size, its font as large as fits. */
export function Screen({ player }: { player: Player }) {
  const frame = useRef<HTMLDivElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const { scheme } = useStore(preferences);
  useEffect(() => {
    const box = frame.current!;
    const mounted = player.mount(host.current!, () => ({ width: box.clientWidth - 16, height: box.clientHeight - 16 }));
    const observer = new ResizeObserver(mounted.fit);
    observer.observe(box);
    return () => {
      observer.disconnect();
      mounted.dispose();
    };
  }, [player]);
  return (
    <div
      ref={frame}
      className="min-h-[260px] flex-1 overflow-auto p-2"
      style={{ background: schemes[scheme].theme.background }}
    >
      <div ref={host} className="w-max" />
    </div>
  );
}
