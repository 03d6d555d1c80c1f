'use client';
import { useState } from 'react';
import type { Role } from '../../../server/http/schemas.ts';
import { api } from '../../lib/api.ts';
import { LABEL } from '../../lib/label.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { DialogForm } from '../../ui/dialog-form.tsx';
import { Field, splitList } from '../../ui/field.tsx';
import { TextField } from '../../ui/text-field.tsx';
import { openPolicy, type Policy } from './policy.ts';
import { PolicyFields } from './policy-fields.tsx';

const MINUTE = 60_000;
/** In minutes, as the form counts. */
const DAY = 24 * 60;

/** The bounds of roleSchema, said at their fields before anything is sent. */
const LABELS = `[\\s,]*(${LABEL}([\\s,]+|$))*`;

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
  ...openPolicy,
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
  const [policy, setPolicy] = useState<Policy>(() => policyOf(start));
  const set = (change: Partial<typeof form>) => setForm((old) => ({ ...old, ...change }));
  const save = async () => {
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
      ...policy,
    });
    onSaved();
  };
  const number = (key: 'idle' | 'detached' | 'hardCap' | 'maxSessions', label: string, least: number, most: number) => (
    <TextField
      label={label}
      type="number"
      min={least}
      max={most}
      required
      value={form[key]}
      onChange={(text) => set({ [key]: Number(text) })}
    />
  );
  const names = (
    key: 'clusterRoles' | 'namespaces' | 'groups',
    label: string,
    hint: string,
    bounds: { pattern?: string; title?: string } = {},
  ) => (
    <TextField
      label={label}
      hint={hint}
      className="font-mono"
      spellCheck={false}
      {...bounds}
      value={form[key]}
      onChange={(text) => set({ [key]: text })}
    />
  );
  return (
    <Dialog open onClose={onClose} title={role ? `Change ${role.name}` : 'Add a role'} wide>
      <DialogForm action={role ? 'Save' : 'Add the role'} act={save} onCancel={onClose}>
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField
            label="Name"
            required
            pattern={LABEL}
            title="Lower-case letters, digits and -, at most 63"
            readOnly={role !== null}
            value={form.name}
            onChange={(name) => set({ name })}
          />
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
        <TextField label="Description" value={form.description} onChange={(description) => set({ description })} />
        {names('clusterRoles', 'ClusterRoles', 'Names on the cluster, as edit or view; none gives no cluster.')}
        {names('namespaces', 'Namespaces', 'Left empty: the whole cluster.', {
          pattern: LABELS,
          title: 'Lower-case letters, digits and -, at most 63 each; commas between them',
        })}
        {names('groups', 'Groups', 'Their members have this role.')}
        <div className="grid grid-cols-2 items-end gap-4 sm:grid-cols-4">
          {number('idle', 'Idle (min)', 1, DAY)}
          {number('detached', 'Detached (min)', 0, DAY)}
          {number('hardCap', 'At most (min)', 1, 7 * DAY)}
          {number('maxSessions', 'Sessions at once', 1, 50)}
        </div>
        <details>
          <summary className="cursor-pointer font-medium">
            What the gateway refuses, before the cluster is asked
          </summary>
          <div className="mt-3">
            <PolicyFields policy={policy} onChange={(change) => setPolicy((old) => ({ ...old, ...change }))} />
          </div>
        </details>
      </DialogForm>
    </Dialog>
  );
}

function policyOf(role: Role): Policy {
  const { readOnly, connect, secrets, mintCredentials, allow, deny, paths, proxyPaths } = role;
  const { impersonateUsers, impersonateGroups, recordStreams, wakeBy } = role;
  const rules = { readOnly, connect, secrets, mintCredentials, allow, deny, paths, proxyPaths };
  return { ...rules, impersonateUsers, impersonateGroups, recordStreams, wakeBy };
}
