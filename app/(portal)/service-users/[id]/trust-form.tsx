'use client';
import { useState } from 'react';
import type { User } from '../../../../server/http/schemas.ts';
import { api } from '../../../lib/api.ts';
import { Dialog } from '../../../ui/dialog.tsx';
import { DialogForm } from '../../../ui/dialog-form.tsx';
import { Field } from '../../../ui/field.tsx';
import { TextField } from '../../../ui/text-field.tsx';

/** `claim: pattern`, a line each; and the first line that is none. */
function conditionsOf(text: string) {
  const conditions: { claim: string; pattern: string }[] = [];
  for (const line of text
    .split('\n')
    .map((one) => one.trim())
    .filter(Boolean)) {
    const [, claim, pattern] = /^([^\s:]+):\s+(.+)$/.exec(line) ?? [];
    if (claim === undefined || pattern === undefined) return { conditions, wrong: line };
    conditions.push({ claim, pattern });
  }
  return { conditions, wrong: null };
}

/** Adds a trust, filled in for GitHub. */
export function TrustForm({ of, onClose }: { of: User; onClose: () => void }) {
  const [form, setForm] = useState({
    name: of.name,
    issuer: 'https://token.actions.githubusercontent.com',
    audience: typeof location === 'undefined' ? '' : location.origin,
    claim: 'repository_owner',
    value: '',
    conditions: 'ref: refs/heads/main',
    minutes: 15,
  });
  const set = (change: Partial<typeof form>) => setForm((old) => ({ ...old, ...change }));
  const { conditions, wrong } = conditionsOf(form.conditions);
  const save = async () => {
    const { name, issuer, audience, claim, value, minutes } = form;
    const owner = { claim, value };
    await api.createTrust(of.id, { name, issuer, audience, owner, conditions, lifetimeMs: minutes * 60_000 });
    onClose();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title="Add a trust"
      description="An issuer signs for all of its customers: say whose jobs these are, and which."
    >
      <DialogForm
        action="Add the trust"
        blocked={wrong === null ? null : 'a line of the claims is none'}
        act={save}
        onCancel={onClose}
      >
        <TextField label="Name" required value={form.name} onChange={(name) => set({ name })} />
        <TextField
          label="Issuer"
          hint='As "iss" of the id tokens has it; GitLab: https://gitlab.com.'
          required
          spellCheck={false}
          value={form.issuer}
          onChange={(issuer) => set({ issuer })}
        />
        <TextField
          label="Audience"
          hint="What the job asks its id token for."
          required
          spellCheck={false}
          value={form.audience}
          onChange={(audience) => set({ audience })}
        />
        <TextField
          label="Claim that names the owner"
          hint="GitLab: namespace_path."
          required
          spellCheck={false}
          value={form.claim}
          onChange={(claim) => set({ claim })}
        />
        <TextField
          label="Owner"
          hint="To the letter."
          required
          spellCheck={false}
          value={form.value}
          onChange={(value) => set({ value })}
        />
        <Field
          label="Further claims"
          hint="One a line, claim: pattern; * stands for anything."
          error={wrong === null ? null : `"${wrong}" is no "claim: pattern".`}
        >
          {(control) => (
            <textarea
              {...control}
              className="input h-24 font-mono"
              spellCheck={false}
              value={form.conditions}
              onChange={(event) => set({ conditions: event.target.value })}
            />
          )}
        </Field>
        <TextField
          label="Tokens work for (minutes)"
          type="number"
          min={1}
          max={360}
          required
          value={form.minutes}
          onChange={(minutes) => set({ minutes: Number(minutes) })}
        />
      </DialogForm>
    </Dialog>
  );
}
