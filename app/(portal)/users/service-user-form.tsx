'use client';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { User } from '../../../server/http/schemas.ts';
import { api } from '../../lib/api.ts';
import { queries } from '../../lib/queries.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { DialogForm } from '../../ui/dialog-form.tsx';
import { Field, splitList } from '../../ui/field.tsx';
import { TextField } from '../../ui/text-field.tsx';

/** Adds a service user, or changes one's groups and owner. */
export function ServiceUserForm({
  user,
  people,
  onClose,
  onSaved,
}: {
  user: User | null;
  /** Who may own it. */
  people: User[];
  onClose: () => void;
  onSaved: (user: User) => void;
}) {
  const me = useQuery(queries.me());
  const [name, setName] = useState(user?.name ?? '');
  const [groups, setGroups] = useState(user?.groups.join(', ') ?? '');
  const [chosen, setChosen] = useState(user?.owner?.id ?? '');
  const owner = chosen || (me.data?.id ?? '');
  const save = async () => {
    const change = { groups: splitList(groups), owner };
    onSaved(user ? await api.updateUser(user.id, change) : await api.createServiceUser({ name, ...change }));
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={user ? `Change ${user.name}` : 'Add a service user'}
      description="For programs, CI for example: no password and no sign-in. Tokens and trusts are on its own page."
    >
      <DialogForm action={user ? 'Save' : 'Add the service user'} act={save} onCancel={onClose}>
        <TextField
          label="Name"
          hint="Lower-case letters, digits and -."
          required
          readOnly={user !== null}
          pattern="[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
          autoComplete="off"
          spellCheck={false}
          value={name}
          onChange={setName}
        />
        <TextField
          label="Groups"
          hint="Roles are given to groups."
          className="font-mono"
          spellCheck={false}
          value={groups}
          onChange={setGroups}
        />
        <Field label="Owner" hint="Answers for it, and may make and revoke its tokens." error={null}>
          {(control) => (
            <select {...control} className="input" value={owner} onChange={(event) => setChosen(event.target.value)}>
              {people.map(({ id, name: of, email }) => (
                <option key={id} value={id}>
                  {of} ({email})
                </option>
              ))}
            </select>
          )}
        </Field>
      </DialogForm>
    </Dialog>
  );
}
