'use client';
import { useState } from 'react';
import type { User } from '../../../server/http/schemas.ts';
import { api } from '../../lib/api.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogActions } from '../../ui/dialog.tsx';
import { Field, splitList } from '../../ui/field.tsx';
import { ProblemPanel } from '../../ui/problem.tsx';

/** Adds a local user, or changes one's name, groups and password. */
export function UserForm({
  user,
  onClose,
  onSaved,
}: {
  user: User | null;
  onClose: () => void;
  onSaved: (user: User) => void;
}) {
  const [form, setForm] = useState({
    email: user?.email ?? '',
    name: user?.name ?? '',
    password: '',
    groups: user?.groups.join(', ') ?? '',
  });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const set = (change: Partial<typeof form>) => setForm((old) => ({ ...old, ...change }));
  const save = async () => {
    setBusy(true);
    setError(null);
    const { email, name, password } = form;
    const groups = splitList(form.groups);
    try {
      onSaved(
        user
          ? await api.updateUser(user.id, { name, groups, ...(password ? { password } : {}) })
          : await api.createUser({ email, name, password, groups }),
      );
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Dialog open onClose={onClose} title={user ? `Change ${user.name}` : 'Add a local user'}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Field label="Email" hint="They sign in with it.">
          {(control) => (
            <input
              {...control}
              type="email"
              required
              readOnly={user !== null}
              autoComplete="off"
              className="input"
              value={form.email}
              onChange={(event) => set({ email: event.target.value })}
            />
          )}
        </Field>
        <Field label="Name">
          {(control) => (
            <input
              {...control}
              required
              className="input"
              value={form.name}
              onChange={(event) => set({ name: event.target.value })}
            />
          )}
        </Field>
        <Field label="Groups" hint="Roles are given to groups.">
          {(control) => (
            <input
              {...control}
              className="input font-mono"
              spellCheck={false}
              value={form.groups}
              onChange={(event) => set({ groups: event.target.value })}
            />
          )}
        </Field>
        <Field
          label={user ? 'New password' : 'Password'}
          hint={user ? 'Left empty: the old one stays. At least 12 characters.' : 'At least 12 characters.'}
        >
          {(control) => (
            <input
              {...control}
              type="password"
              required={user === null}
              minLength={12}
              autoComplete="new-password"
              className="input"
              value={form.password}
              onChange={(event) => set({ password: event.target.value })}
            />
          )}
        </Field>
        {error ? <ProblemPanel error={error} compact /> : null}
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={busy}>
            {user ? 'Save' : 'Add the user'}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
