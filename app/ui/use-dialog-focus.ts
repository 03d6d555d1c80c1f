'use client';
import { useRef } from 'react';

const FIELD = 'input:not([hidden], [readonly]), select, textarea';

/**
 * Focus of a dialog, spread onto its content: to its first field where it has one, and back to where it was when the
 * dialog opened, which Radix does only for a trigger of its own. What took focus meanwhile keeps it; where the old
 * place is gone, it goes to the page.
 */
export function useDialogFocus(afterwards?: () => void) {
  const before = useRef<Element | null>(null);
  return {
    onOpenAutoFocus: (event: Event) => {
      before.current = document.activeElement;
      const field = event.target instanceof Element ? event.target.querySelector<HTMLElement>(FIELD) : null;
      if (!field) return;
      event.preventDefault();
      field.focus();
    },
    onCloseAutoFocus: (event: Event) => {
      event.preventDefault();
      const place = before.current?.isConnected ? before.current : document.getElementById('page');
      if (document.activeElement === document.body && place instanceof HTMLElement) place.focus();
      afterwards?.();
    },
  };
}
