'use client';
import { useState } from 'react';
import type { Role } from '../../../server/http/schemas.ts';
import { api } from '../../lib/api.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogActions } from '../../ui/dialog.tsx';
import { Field, splitList } from '../../ui/field.tsx';
import { ProblemPanel } from '../../ui/problem.tsx';

const MINUTE = 60_000;

/** The times that the portal gives a role where nothing else is said. */
const fresh: Role = {
  name: '',
  description: '',
  portal: 'member',
  clusterRoles: [],
  namespaces: [],
  groups: [],
  idleMs: 15 * MINUTE,
  detachedMs: 5 * MINUTE,
  hardCapMs: 480 * MINUTE,
  maxSessions: 3,
};

/** Adds a role, or changes one; its name is its identity and stays. */
export function RoleForm({ role, onClose, onSaved }: { role: Role | null; onClose: () => void; onSaved: () => void }) {
  const start = role ?? fresh;
  const [form, setForm] = useState({
    ...start,
    clusterRoles: start.clusterRoles.join(', '),
    namespaces: start.namespaces.join(', '),
    groups: start.groups.join(', '),
    idle: start.idleMs / MINUTE,
    detached: start.detachedMs / MINUTE,
    hardCap: start.hardCapMs / MINUTE,
  });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const set = (change: Partial<typeof form>) => setForm((old) => ({ ...old, ...change }));
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      await api.putRole({
        name: form.name,
        description: form.description,
        portal: form.portal,
        clusterRoles: splitList(form.clusterRoles),
        namespaces: splitList(form.namespaces),
        groups: splitList(form.groups),
        idleMs: form.idle * MINUTE,
        detachedMs: form.detached * MINUTE,
        hardCapMs: form.hardCap * MINUTE,
        maxSessions: form.maxSessions,
      });
      onSaved();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  const number = (key: 'idle' | 'detached' | 'hardCap' | 'maxSessions', label: string, least: number) => (
    <Field label={label}>
      {(control) => (
        <input
          {...control}
          type="number"
          min={least}
          required
          className="input"
          value={form[key]}
          onChange={(event) => set({ [key]: Number(event.target.value) })}
        />
      )}
    </Field>
  );
  return (
    <Dialog open onClose={onClose} title={role ? `Change ${role.name}` : 'Add a role'} wide>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Name">
            {(control) => (
              <input
                {...control}
                className="input"
                required
                pattern="[a-z0-9]([\-a-z0-9]*[a-z0-9])?"
                readOnly={role !== null}
                value={form.name}
                onChange={(event) => set({ name: event.target.value })}
              />
            )}
          </Field>
          <Field label="On the portal">
            {(control) => (
              <select
                {...control}
                className="input"
                value={form.portal}
                onChange={(event) => set({ portal: event.target.value as Role['portal'] })}
              >
                <option value="member">Member: own sessions</option>
                <option value="auditor">Auditor: sees all sessions and recordings</option>
                <option value="admin">Admin: manages clusters, roles and users</option>
              </select>
            )}
          </Field>
        </div>
        <Field label="Description">
          {(control) => (
            <input
              {...control}
              className="input"
              value={form.description}
              onChange={(event) => set({ description: event.target.value })}
            />
          )}
        </Field>
        <Field label="ClusterRoles" hint="Names on the cluster, as edit or view; none gives no cluster.">
          {(control) => (
            <input
              {...control}
              className="input font-mono"
              spellCheck={false}
              value={form.clusterRoles}
              onChange={(event) => set({ clusterRoles: event.target.value })}
            />
          )}
        </Field>
        <Field label="Namespaces" hint="Left empty: the whole cluster.">
          {(control) => (
            <input
              {...control}
              className="input font-mono"
              spellCheck={false}
              value={form.namespaces}
              onChange={(event) => set({ namespaces: event.target.value })}
            />
          )}
        </Field>
        <Field label="Groups" hint="Their members have this role.">
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
        <div className="grid grid-cols-2 gap-4 sm:grid-cols-4">
          {number('idle', 'Idle (min)', 1)}
          {number('detached', 'Detached (min)', 0)}
          {number('hardCap', 'At most (min)', 1)}
          {number('maxSessions', 'Sessions', 1)}
        </div>
        {error ? <ProblemPanel error={error} compact /> : null}
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={busy}>
            {role ? 'Save' : 'Add the role'}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
