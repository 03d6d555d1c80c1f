'use client';
import { useState } from 'react';
import type { User } from '../../../server/http/schemas.ts';
import { api } from '../../lib/api.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { DialogForm } from '../../ui/dialog-form.tsx';
import { splitList } from '../../ui/field.tsx';
import { TextField } from '../../ui/text-field.tsx';

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
  const set = (change: Partial<typeof form>) => setForm((old) => ({ ...old, ...change }));
  const save = async () => {
    const { email, name, password } = form;
    const groups = splitList(form.groups);
    onSaved(
      user
        ? await api.updateUser(user.id, { name, groups, ...(password ? { password } : {}) })
        : await api.createUser({ email, name, password, groups }),
    );
  };
  return (
    <Dialog open onClose={onClose} title={user ? `Change ${user.name}` : 'Add a local user'}>
      <DialogForm action={user ? 'Save' : 'Add the user'} act={save} onCancel={onClose}>
        <TextField
          label="Email"
          hint="They sign in with it."
          type="email"
          required
          readOnly={user !== null}
          autoComplete="off"
          value={form.email}
          onChange={(email) => set({ email })}
        />
        <TextField label="Name" required value={form.name} onChange={(name) => set({ name })} />
        <TextField
          label="Groups"
          hint="Roles are given to groups."
          className="font-mono"
          spellCheck={false}
          value={form.groups}
          onChange={(groups) => set({ groups })}
        />
        <TextField
          label={user ? 'New password' : 'Password'}
          hint={user ? 'Left empty: the old one stays. At least 12 characters.' : 'At least 12 characters.'}
          type="password"
          required={user === null}
          minLength={12}
          autoComplete="new-password"
          value={form.password}
          onChange={(password) => set({ password })}
        />
      </DialogForm>
    </Dialog>
  );
}
