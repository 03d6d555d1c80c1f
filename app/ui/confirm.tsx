'use client';
import { useId, useState, type ReactNode } from 'react';
import { Button } from './button.tsx';
import { Dialog, DialogActions } from './dialog.tsx';
import { ProblemPanel } from './problem.tsx';

/**
 * Asks before something is done; `typed` asks for that name as well, for what cannot be undone. Errors stay in the
 * dialog, which closes when `act` succeeds.
 */
export function Confirm({
  open,
  onClose,
  title,
  action,
  act,
  typed,
  children,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  action: string;
  act: () => Promise<unknown>;
  typed?: string;
  children: ReactNode;
}) {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const field = useId();
  const close = () => {
    setText('');
    setError(null);
    onClose();
  };
  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      await act();
      close();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog open={open} onClose={close} title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!typed || text === typed) void run();
        }}
      >
        <div className="space-y-2">{children}</div>
        {typed ? (
          <div className="mt-4">
            <label htmlFor={field} className="mb-1 block">
              Type <code className="font-semibold">{typed}</code> to go on
            </label>
            <input
              id={field}
              className="input"
              value={text}
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => setText(event.target.value)}
            />
          </div>
        ) : null}
        {error ? (
          <div className="mt-4">
            <ProblemPanel error={error} compact />
          </div>
        ) : null}
        <DialogActions>
          <Button onClick={close}>Cancel</Button>
          <Button
            type="submit"
            kind="danger"
            busy={busy}
            blocked={typed && text !== typed ? 'The name is not typed yet' : null}
          >
            {action}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
