'use client';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { IssuedLink } from '../../../server/http/schemas.ts';
import { api } from '../../lib/api.ts';
import { queries } from '../../lib/queries.ts';
import { Button } from '../../ui/button.tsx';
import { ClusterField, RoleField } from '../../ui/choice-fields.tsx';
import { CopyButton } from '../../ui/copy.tsx';
import { Dialog, DialogActions } from '../../ui/dialog.tsx';
import { DialogForm } from '../../ui/dialog-form.tsx';
import { splitList } from '../../ui/field.tsx';
import { TextField } from '../../ui/text-field.tsx';
import { VerbBoxes, type Verb } from '../../ui/verb-boxes.tsx';

/** Makes a link and hands its token over, this once. */
export function LinkForm({ onClose }: { onClose: () => void }) {
  const me = useQuery(queries.me());
  const [form, setForm] = useState({
    name: '',
    cluster: '',
    role: '',
    paths: '/api/v1/namespaces/default/configmaps/**',
    verbs: ['get'] as Verb[],
    minutes: 60,
    uses: '',
    recipient: '',
    landing: '/',
  });
  const [made, setMade] = useState<IssuedLink | null>(null);
  if (made) return <Made made={made} onClose={onClose} />;
  const set = (change: Partial<typeof form>) => setForm((old) => ({ ...old, ...change }));
  return (
    <Dialog open onClose={onClose} title="Make a link" wide>
      <DialogForm
        action="Make"
        act={async () =>
          setMade(
            await api.issueLink({
              name: form.name,
              cluster: form.cluster,
              ...(form.role ? { role: form.role } : {}),
              paths: splitList(form.paths),
              verbs: form.verbs,
              minutes: form.minutes,
              ...(form.uses ? { uses: Number(form.uses) } : {}),
              ...(form.recipient ? { recipient: form.recipient } : {}),
              landing: form.landing,
            }),
          )
        }
        onCancel={onClose}
      >
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField
            label="What it is for"
            required
            maxLength={100}
            value={form.name}
            onChange={(name) => set({ name })}
          />
          <ClusterField value={form.cluster} onChange={(cluster) => set({ cluster })} />
        </div>
        <RoleField roles={me.data?.roles ?? []} value={form.role} onChange={(role) => set({ role })} />
        <TextField
          label="Paths"
          hint="On the cluster; * within a part, ** over parts, commas between several."
          className="font-mono"
          spellCheck={false}
          required
          value={form.paths}
          onChange={(paths) => set({ paths })}
        />
        <VerbBoxes chosen={form.verbs} onChange={(verbs) => set({ verbs })} />
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField
            label="Works for (minutes)"
            hint="No longer than your role and the portal allow."
            type="number"
            min={1}
            max={10_080}
            required
            value={form.minutes}
            onChange={(text) => set({ minutes: Number(text) })}
          />
          <TextField
            label="Uses"
            hint="Left empty: as often as one likes."
            type="number"
            min={1}
            value={form.uses}
            onChange={(uses) => set({ uses })}
          />
          <TextField
            label="For one person"
            hint="Their email here. They open it in a browser, signed in. Left empty: whoever has it."
            type="email"
            maxLength={254}
            value={form.recipient}
            onChange={(recipient) => set({ recipient })}
          />
          <TextField
            label="First page"
            hint="Where a browser goes, at the link’s own address."
            className="font-mono"
            required
            maxLength={2048}
            spellCheck={false}
            value={form.landing}
            onChange={(landing) => set({ landing })}
          />
        </div>
      </DialogForm>
    </Dialog>
  );
}

function Made({ made, onClose }: { made: IssuedLink; onClose: () => void }) {
  const command = `curl --header 'Authorization: Bearer ${made.token}' '${made.address}${made.paths[0]}'`;
  return (
    <Dialog
      open
      onClose={onClose}
      title="Your link"
      description={
        made.recipient
          ? `It is shown this once. ${made.recipient} opens it in a browser, until it expires or you revoke it.`
          : 'It is shown this once. Whoever has it calls what it names as you, until it expires or you revoke it.'
      }
    >
      {made.url ? (
        <Secret
          label="Address"
          text={made.url}
          note="In a browser it shows what it opens."
          copy={<CopyButton text={made.url} label="Copy the address" />}
        />
      ) : null}
      {made.recipient ? null : (
        <Secret
          label="Token"
          text={made.token}
          note={
            <>
              For scripts: <code>Authorization: Bearer</code> to <code>{made.address}</code>, or a whole curl command{' '}
              <CopyButton text={command} label="Copy as a curl command" bare />
            </>
          }
          copy={<CopyButton text={made.token} label="Copy the token" />}
        />
      )}
      <DialogActions>
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      </DialogActions>
    </Dialog>
  );
}

function Secret({ label, text, note, copy }: { label: string; text: string; note: ReactNode; copy: ReactNode }) {
  return (
    <section className="mb-4" aria-label={`${label} of the link`}>
      <div className="mb-1.5 flex items-center justify-between gap-4">
        <h3 className="font-medium">{label}</h3>
        {copy}
      </div>
      <pre
        className="max-h-[22vh] overflow-auto rounded-md border bg-sunken px-3 py-2 break-all whitespace-pre-wrap"
        tabIndex={0}
        aria-label={label}
      >
        {text}
      </pre>
      <p className="mt-1.5 text-muted">{note}</p>
    </section>
  );
}
