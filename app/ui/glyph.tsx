import type { LucideIcon } from 'lucide-react';

/** An icon beside words: never the only bearer of a meaning, so hidden from screen readers. */
export function Icon({ of: Glyph, size = 15, className }: { of: LucideIcon; size?: number; className?: string }) {
  return <Glyph size={size} strokeWidth={1.9} aria-hidden="true" className={`shrink-0 ${className ?? ''}`} />;
}
