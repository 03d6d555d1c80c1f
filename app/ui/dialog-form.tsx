'use client';
import { useState, type ReactNode } from 'react';
import { Button } from './button.tsx';
import type { Kind } from './button-class.ts';
import { DialogActions } from './dialog.tsx';
import { ProblemPanel } from './problem.tsx';

/**
 * What a dialog asks for, and its two buttons. While `act` runs its button is busy; what it throws is shown here, and
 * the dialog stays; closing it after a success is `act`'s.
 */
export function DialogForm({
  action,
  act,
  onCancel,
  kind = 'primary',
  blocked = null,
  children,
}: {
  action: string;
  act: () => Promise<void>;
  onCancel: () => void;
  kind?: Kind;
  /** Why it cannot be done yet. */
  blocked?: string | null;
  children: ReactNode;
}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      await act();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      {children}
      {error ? <ProblemPanel error={error} compact /> : null}
      <DialogActions>
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" kind={kind} busy={busy} blocked={blocked}>
          {action}
        </Button>
      </DialogActions>
    </form>
  );
}
