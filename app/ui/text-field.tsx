'use client';
import type { ComponentProps, ReactNode } from 'react';
import { Field } from './field.tsx';

/** A labelled line of text; what an input takes besides (type, required, readOnly …) is handed to it. */
export function TextField({
  label,
  hint,
  error,
  onChange,
  className = '',
  ...input
}: Omit<ComponentProps<'input'>, 'onChange' | 'id'> & {
  label: string;
  hint?: ReactNode;
  /** What is wrong with what is typed. */
  error?: string | null;
  onChange: (text: string) => void;
}) {
  return (
    <Field label={label} hint={hint} error={error ?? null}>
      {(control) => (
        <input
          {...input}
          {...control}
          className={`input ${className}`}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
