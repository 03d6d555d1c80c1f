'use client';
import { useState } from 'react';
import type { CreatedToken } from '../../../server/http/schemas.ts';
import { api, type NewToken } from '../../lib/api.ts';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy.tsx';
import { Dialog, DialogActions } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { ProblemPanel } from '../../ui/problem.tsx';

const scopes: { value: NewToken['scopes'][number]; label: string }[] = [
  { value: 'read', label: 'read: lists and details' },
  { value: 'sessions', label: 'sessions: open, extend and end sessions' },
  { value: 'admin', label: 'admin: clusters, roles and users, where you are an administrator' },
];

/** Creates a token and shows it, this once. */
export function TokenForm({ onClose }: { onClose: () => void }) {
  const [form, setForm] = useState<NewToken>({ name: '', scopes: ['read'], days: 30 });
  const [created, setCreated] = useState<CreatedToken | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const create = async () => {
    setBusy(true);
    setError(null);
    try {
      setCreated(await api.createToken(form));
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  if (created)
    return (
      <Dialog
        open
        onClose={onClose}
        title="Your token"
        description="It is shown this once; the portal keeps only its hash."
      >
        <div className="flex items-center gap-2">
          <code className="min-w-0 flex-1 rounded-md border bg-sunken px-3 py-2 break-all">{created.token}</code>
          <CopyButton text={created.token} label="Copy the token" />
        </div>
        <DialogActions>
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        </DialogActions>
      </Dialog>
    );
  return (
    <Dialog open onClose={onClose} title="Create a token">
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (form.scopes.length) void create();
        }}
      >
        <Field label="Name" hint="What it is for.">
          {(control) => (
            <input
              {...control}
              className="input"
              required
              value={form.name}
              onChange={(event) => setForm({ ...form, name: event.target.value })}
            />
          )}
        </Field>
        <fieldset>
          <legend className="mb-1 font-medium">Scopes</legend>
          {scopes.map(({ value, label }) => (
            <label key={value} className="flex items-start gap-2 py-0.5">
              <input
                type="checkbox"
                className="mt-1"
                checked={form.scopes.includes(value)}
                onChange={(event) =>
                  setForm({
                    ...form,
                    scopes: event.target.checked
                      ? [...form.scopes, value]
                      : form.scopes.filter((scope) => scope !== value),
                  })
                }
              />
              {label}
            </label>
          ))}
        </fieldset>
        <Field label="Expires after (days)">
          {(control) => (
            <input
              {...control}
              type="number"
              min={1}
              max={365}
              required
              className="input"
              value={form.days}
              onChange={(event) => setForm({ ...form, days: Number(event.target.value) })}
            />
          )}
        </Field>
        {error ? <ProblemPanel error={error} compact /> : null}
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            kind="primary"
            busy={busy}
            blocked={form.scopes.length ? null : 'it needs at least one scope'}
          >
            Create
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
