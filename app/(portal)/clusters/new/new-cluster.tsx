'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Boxes } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useRef, useState } from 'react';
import type { ClusterTest, RegisterCluster } from '../../../../server/http/schemas.ts';
import { api } from '../../../lib/api.ts';
import { isLabel } from '../../../lib/label.ts';
import { paths } from '../../../lib/paths.ts';
import { queries } from '../../../lib/queries.ts';
import { Button } from '../../../ui/button.tsx';
import { Field } from '../../../ui/field.tsx';
import { Empty, PageBody } from '../../../ui/layout.tsx';
import { ProblemPanel } from '../../../ui/problem.tsx';
import { TextField } from '../../../ui/text-field.tsx';
import { toast } from '../../../ui/toast.tsx';
import { ActAsField } from '../act-as-field.tsx';
import { Manifest } from '../manifest.tsx';
import { TestResult } from './test-result.tsx';

const empty = {
  name: '',
  namespace: 'sallyport',
  production: false,
  actAs: 'account' as RegisterCluster['actAs'],
  kind: 'kubeconfig' as 'kubeconfig' | 'token',
  kubeconfig: '',
  context: '',
  server: '',
  ca: '',
  token: '',
  tlsServerName: '',
};
type Form = typeof empty;

function registration(form: Form): RegisterCluster {
  return {
    name: form.name,
    namespace: form.namespace,
    production: form.production,
    actAs: form.actAs,
    connection:
      form.kind === 'kubeconfig'
        ? { kind: 'kubeconfig', kubeconfig: form.kubeconfig, ...(form.context ? { context: form.context } : {}) }
        : {
            kind: 'token',
            server: form.server,
            ca: form.ca,
            token: form.token.trim(),
            ...(form.tlsServerName ? { tlsServerName: form.tlsServerName } : {}),
          },
  };
}

/** What still keeps the form from being tested; null when nothing does. */
function missing(form: Form): string | null {
  if (!isLabel(form.name))
    return form.name ? 'the name has other characters than a-z, 0-9 and -' : 'the name is missing';
  if (!isLabel(form.namespace)) return 'the namespace is missing or is no name of one';
  if (form.kind === 'kubeconfig') return form.kubeconfig.trim() ? null : 'the kubeconfig is missing';
  if (!URL.canParse(form.server)) return 'the address is missing';
  if (!form.ca.trim()) return 'the CA is missing';
  return form.token.trim() ? null : 'the token is missing';
}

/** Registers a cluster: by kubeconfig or by address; tested before it is saved. */
export function NewCluster() {
  const me = useQuery(queries.me());
  const [form, setForm] = useState<Form>(empty);
  const [tested, setTested] = useState<{ form: Form; result: ClusterTest } | null>(null);
  const [busy, setBusy] = useState<'test' | 'save' | null>(null);
  const [error, setError] = useState<unknown>(null);
  const router = useRouter();
  const client = useQueryClient();
  const set = (change: Partial<Form>) => setForm((old) => ({ ...old, ...change }));
  const gap = missing(form);
  const current = tested?.form === form ? tested.result : null;
  const unsavable = gap ?? (current?.ok ? null : 'test it first; it can be saved when the test passes');
  if (me.data && me.data.portal !== 'admin')
    return (
      <PageBody title="Register a cluster">
        <Empty icon={Boxes} title="Administrators register clusters">
          Give one of them the kubeconfig, or the address, CA and token of an account for the portal.
        </Empty>
      </PageBody>
    );

  const run = async (what: 'test' | 'save') => {
    setBusy(what);
    setError(null);
    try {
      if (what === 'test') setTested({ form, result: await api.testCluster(registration(form)) });
      else {
        await api.registerCluster(registration(form));
        await client.invalidateQueries({ queryKey: ['clusters'] });
        toast(`${form.name} is registered.`);
        router.push(paths.cluster(form.name));
      }
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(null);
    }
  };

  return (
    <PageBody
      title="Register a cluster"
      intro="The portal keeps the credentials sealed; nobody who uses the cluster ever sees them."
    >
      <form
        className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_360px]"
        onSubmit={(event) => {
          event.preventDefault();
          if (!gap) void run('test');
        }}
      >
        <div className="card space-y-4 p-4">
          <div className="grid gap-4 sm:grid-cols-2">
            <TextField
              label="Name"
              hint="Lower-case letters, digits and -; people and addresses use it."
              error={form.name && !isLabel(form.name) ? 'Only a-z, 0-9 and -, at most 63, no - at either end.' : null}
              value={form.name}
              autoComplete="off"
              spellCheck={false}
              onChange={(name) => set({ name })}
            />
            <TextField
              label="The portal's namespace on it"
              hint="Accounts of sessions are made there."
              error={form.namespace && !isLabel(form.namespace) ? 'Not a name of a namespace.' : null}
              value={form.namespace}
              spellCheck={false}
              onChange={(namespace) => set({ namespace })}
            />
          </div>
          <label className="flex items-start gap-2">
            <input
              type="checkbox"
              className="mt-1"
              checked={form.production}
              onChange={(event) => set({ production: event.target.checked })}
            />
            <span>
              This is production
              <span className="block text-[12.5px] text-muted">It then looks different everywhere.</span>
            </span>
          </label>
          <ActAsField value={form.actAs} onChange={(actAs) => set({ actAs })} />
          <fieldset>
            <legend className="mb-1 font-medium">Connection</legend>
            <div className="flex flex-wrap gap-4">
              {(['kubeconfig', 'token'] as const).map((kind) => (
                <label key={kind} className="flex items-center gap-2">
                  <input type="radio" name="kind" checked={form.kind === kind} onChange={() => set({ kind })} />
                  {kind === 'kubeconfig' ? 'Kubeconfig' : 'Address, CA and token'}
                </label>
              ))}
            </div>
          </fieldset>
          {form.kind === 'kubeconfig' ? (
            <KubeconfigFields form={form} set={set} />
          ) : (
            <TokenFields form={form} set={set} />
          )}
          {error ? <ProblemPanel error={error} /> : null}
          {current ? <TestResult result={current} /> : null}
          <div className="flex flex-wrap items-center gap-2">
            <Button type="submit" busy={busy === 'test'} blocked={gap}>
              {busy === 'test' ? 'Testing…' : 'Test'}
            </Button>
            <Button kind="primary" busy={busy === 'save'} blocked={unsavable} onClick={() => void run('save')}>
              {busy === 'save' ? 'Saving…' : 'Save'}
            </Button>
            {/* Read with the buttons themselves by a screen reader. */}
            {unsavable && busy === null ? (
              <span aria-hidden="true" className="text-[12.5px] text-muted">
                {`${unsavable.replace(/^./, (first) => first.toUpperCase())}.`}
              </span>
            ) : null}
          </div>
        </div>
        <aside className="card space-y-3 p-4">
          <h2>What the portal needs</h2>
          <p className="text-muted">
            An account of its own with the right to make accounts for sessions and to bind the ClusterRoles that your
            roles name; nothing else. Its token must be long enough lived, or be one that the portal may renew.
          </p>
          <p className="text-muted">
            Kubeconfigs with exec plugins, file paths or TLS verification switched off are refused here; the operator
            can give one on the server's command line instead.
          </p>
          <Manifest namespace={isLabel(form.namespace) ? form.namespace : 'sallyport'} actAs={form.actAs} />
        </aside>
      </form>
    </PageBody>
  );
}

type FieldsProps = { form: Form; set: (change: Partial<Form>) => void };

function KubeconfigFields({ form, set }: FieldsProps) {
  const picker = useRef<HTMLInputElement>(null);
  return (
    <>
      <Field label="Kubeconfig" hint="Paste it, drop a file onto the field, or choose one.">
        {(control) => (
          <textarea
            {...control}
            className="input min-h-48"
            value={form.kubeconfig}
            spellCheck={false}
            autoComplete="off"
            placeholder={'apiVersion: v1\nkind: Config\n…'}
            onChange={(event) => set({ kubeconfig: event.target.value })}
            onDrop={(event) => {
              const [file] = event.dataTransfer.files;
              if (!file) return;
              event.preventDefault();
              void file.text().then((kubeconfig) => set({ kubeconfig }));
            }}
          />
        )}
      </Field>
      <input
        ref={picker}
        type="file"
        hidden
        aria-label="Kubeconfig file"
        onChange={(event) => {
          const [file] = event.target.files ?? [];
          if (file) void file.text().then((kubeconfig) => set({ kubeconfig }));
        }}
      />
      <Button size="sm" onClick={() => picker.current?.click()}>
        Choose a file…
      </Button>
      <TextField
        label="Context"
        hint="Left empty: the kubeconfig's current one."
        value={form.context}
        spellCheck={false}
        onChange={(context) => set({ context })}
      />
    </>
  );
}

function TokenFields({ form, set }: FieldsProps) {
  return (
    <>
      <TextField
        label="Address of the API server"
        type="url"
        placeholder="https://kubernetes.example:6443"
        value={form.server}
        onChange={(server) => set({ server })}
      />
      <Field label="CA certificate (PEM)">
        {(control) => (
          <textarea
            {...control}
            className="input min-h-28"
            value={form.ca}
            spellCheck={false}
            placeholder="-----BEGIN CERTIFICATE-----"
            onChange={(event) => set({ ca: event.target.value })}
          />
        )}
      </Field>
      <TextField
        label="Token of the portal's service account"
        type="password"
        className="font-mono"
        autoComplete="off"
        value={form.token}
        onChange={(token) => set({ token })}
      />
      <TextField
        label="TLS server name"
        hint="Only where the certificate names another host than the address."
        value={form.tlsServerName}
        spellCheck={false}
        onChange={(tlsServerName) => set({ tlsServerName })}
      />
    </>
  );
}
