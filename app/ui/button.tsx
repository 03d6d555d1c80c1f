'use client';
import type { ComponentProps } from 'react';
import { buttonClass, type Kind } from './button-class.ts';

/**
 * A button. `blocked` disables it and says why, to the eye and to the screen reader; it stays focusable so that the
 * reason can be reached by keyboard.
 */
export function Button({
  kind,
  size,
  icon,
  blocked,
  busy,
  className = '',
  children,
  onClick,
  ...rest
}: ComponentProps<'button'> & {
  kind?: Kind;
  size?: 'md' | 'sm';
  icon?: boolean;
  blocked?: string | false | null;
  busy?: boolean;
}) {
  const off = Boolean(blocked) || busy;
  return (
    <button
      type="button"
      {...rest}
      className={`${buttonClass(kind, size, icon)} ${className}`}
      aria-disabled={off || undefined}
      aria-busy={busy || undefined}
      title={blocked || rest.title}
      onClick={(event) => {
        if (off) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {children}
      {blocked ? <span className="sr-only"> ({blocked})</span> : null}
    </button>
  );
}
