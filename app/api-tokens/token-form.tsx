'use client';
import { useState } from 'react';
import type { CreatedToken } from '../../server/http/schemas.ts';
import { api, type NewToken } from '../lib/api.ts';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy.tsx';
import { Dialog, DialogActions } from '../ui/dialog.tsx';
import { DialogForm } from '../ui/dialog-form.tsx';
import { TextField } from '../ui/text-field.tsx';

const scopes: { value: NewToken['scopes'][number]; label: string }[] = [
  { value: 'read', label: 'read: lists and details' },
  { value: 'sessions', label: 'sessions: open, extend and end sessions' },
  { value: 'admin', label: 'admin: clusters, roles and users, where you are an administrator' },
];

/** Creates a token, one's own or (`of`) a service user's, and shows it, this once. */
export function TokenForm({ of, onClose }: { of: string | null; onClose: () => void }) {
  const [form, setForm] = useState<NewToken>({ name: '', scopes: ['read'], days: 30 });
  const [created, setCreated] = useState<CreatedToken | null>(null);
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
      <DialogForm
        action="Create"
        blocked={form.scopes.length ? null : 'it needs at least one scope'}
        act={async () => setCreated(await api.createToken(of, form))}
        onCancel={onClose}
      >
        <TextField
          label="Name"
          hint="What it is for."
          required
          value={form.name}
          onChange={(name) => setForm({ ...form, name })}
        />
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
        <TextField
          label="Expires after (days)"
          type="number"
          min={1}
          max={365}
          required
          value={form.days}
          onChange={(days) => setForm({ ...form, days: Number(days) })}
        />
      </DialogForm>
    </Dialog>
  );
}
