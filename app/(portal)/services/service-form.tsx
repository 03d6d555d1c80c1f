'use client';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../../lib/api.ts';
import { queries } from '../../lib/queries.ts';
import { ClusterField, RoleField } from '../../ui/choice-fields.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { DialogForm } from '../../ui/dialog-form.tsx';
import { Field } from '../../ui/field.tsx';
import { TextField } from '../../ui/text-field.tsx';
import { openInTab } from './open-in-tab.ts';

/** Which service or pod, of which cluster, is opened. */
export function ServiceForm({ onClose }: { onClose: () => void }) {
  const me = useQuery(queries.me());
  const [form, setForm] = useState({
    cluster: '',
    role: '',
    kind: 'service' as 'service' | 'pod',
    namespace: 'default',
    name: '',
    port: '',
    https: false,
    path: '/',
  });
  const set = (change: Partial<typeof form>) => setForm((old) => ({ ...old, ...change }));
  return (
    <Dialog
      open
      onClose={onClose}
      title="Open a service"
      description="In a new tab, at an address of its own, with what your role lets you do there."
      wide
    >
      <DialogForm
        action="Open"
        act={async () => {
          const { https, role, port, ...rest } = form;
          await openInTab(
            async () =>
              (
                await api.openService({
                  ...rest,
                  ...(role ? { role } : {}),
                  port: port || null,
                  scheme: https ? 'https' : 'http',
                })
              ).url,
          );
          onClose();
        }}
        onCancel={onClose}
      >
        <div className="grid gap-4 sm:grid-cols-2">
          <ClusterField value={form.cluster} onChange={(cluster) => set({ cluster })} />
          <TextField
            label="Namespace"
            required
            maxLength={63}
            spellCheck={false}
            value={form.namespace}
            onChange={(namespace) => set({ namespace })}
          />
          <Field label="Kind" error={null}>
            {(control) => (
              <select
                {...control}
                className="input"
                value={form.kind}
                onChange={(event) => set({ kind: event.target.value as typeof form.kind })}
              >
                <option value="service">Service</option>
                <option value="pod">Pod</option>
              </select>
            )}
          </Field>
          <TextField
            label="Name"
            required
            maxLength={253}
            spellCheck={false}
            value={form.name}
            onChange={(name) => set({ name })}
          />
          <TextField
            label="Port"
            hint="Its number or name. A service with one port that has no name, and a pod, need none."
            maxLength={15}
            spellCheck={false}
            value={form.port}
            onChange={(port) => set({ port })}
          />
          <TextField
            label="First page"
            className="font-mono"
            required
            maxLength={2048}
            spellCheck={false}
            value={form.path}
            onChange={(path) => set({ path })}
          />
        </div>
        <RoleField roles={me.data?.roles ?? []} value={form.role} onChange={(role) => set({ role })} />
        <label className="flex items-center gap-2">
          <input type="checkbox" checked={form.https} onChange={(event) => set({ https: event.target.checked })} />
          It speaks HTTPS
        </label>
      </DialogForm>
    </Dialog>
  );
}
