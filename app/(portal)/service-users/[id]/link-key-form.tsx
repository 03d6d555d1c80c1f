'use client';
import { useState } from 'react';
import type { User } from '../../../../server/http/schemas.ts';
import { api } from '../../../lib/api.ts';
import { ClusterField, RoleField } from '../../../ui/choice-fields.tsx';
import { Dialog } from '../../../ui/dialog.tsx';
import { DialogForm } from '../../../ui/dialog-form.tsx';
import { Field, splitList } from '../../../ui/field.tsx';
import { TextField } from '../../../ui/text-field.tsx';
import { VerbBoxes, type Verb } from '../../../ui/verb-boxes.tsx';

/** Registers a public key, and what its links may be at most. */
export function LinkKeyForm({ of, onClose }: { of: User; onClose: () => void }) {
  const [form, setForm] = useState({
    name: '',
    publicKey: '',
    cluster: '',
    role: '',
    paths: '/api/v1/namespaces/default/configmaps/**',
    verbs: ['get'] as Verb[],
    minutes: 60,
    uses: '',
  });
  const set = (change: Partial<typeof form>) => setForm((old) => ({ ...old, ...change }));
  const save = async () => {
    const { name, publicKey, cluster, role, paths, verbs, minutes, uses } = form;
    await api.addLinkKey(of.id, {
      name,
      publicKey,
      cluster,
      ...(role ? { role } : {}),
      paths: splitList(paths),
      verbs,
      longestMs: minutes * 60_000,
      uses: uses ? Number(uses) : null,
    });
    onClose();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title="Add a key"
      description="Whoever has the private key makes links in this service user’s name, within what is said here."
      wide
    >
      <DialogForm action="Add the key" act={save} onCancel={onClose}>
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label="Name" required maxLength={63} value={form.name} onChange={(name) => set({ name })} />
          <ClusterField value={form.cluster} onChange={(cluster) => set({ cluster })} />
        </div>
        <Field label="Public key" hint="PEM: P-256, or RSA with at least 2048 bits." error={null}>
          {(control) => (
            <textarea
              {...control}
              className="input h-28 font-mono"
              required
              spellCheck={false}
              placeholder="-----BEGIN PUBLIC KEY-----"
              value={form.publicKey}
              onChange={(event) => set({ publicKey: event.target.value })}
            />
          )}
        </Field>
        <TextField
          label="Paths"
          hint="Links open nothing beside these; * within a part, ** over parts, commas between several."
          className="font-mono"
          spellCheck={false}
          required
          value={form.paths}
          onChange={(paths) => set({ paths })}
        />
        <VerbBoxes chosen={form.verbs} onChange={(verbs) => set({ verbs })} />
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField
            label="A link works for (minutes, at most)"
            type="number"
            min={1}
            max={10_080}
            required
            value={form.minutes}
            onChange={(text) => set({ minutes: Number(text) })}
          />
          <TextField
            label="Uses of a link, at most"
            hint="Left empty: any number."
            type="number"
            min={1}
            value={form.uses}
            onChange={(uses) => set({ uses })}
          />
        </div>
        <RoleField roles={of.roles} value={form.role} onChange={(role) => set({ role })} />
      </DialogForm>
    </Dialog>
  );
}
