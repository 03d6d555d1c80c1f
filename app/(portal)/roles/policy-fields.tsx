'use client';
import { useId } from 'react';
import { Field, splitList } from '../../ui/field.tsx';
import { TextField } from '../../ui/text-field.tsx';
import type { Policy } from './policy.ts';
import { RuleRows } from './rule-rows.tsx';

const ways: [Policy['connect'][number], string][] = [
  ['exec', 'exec'],
  ['attach', 'attach'],
  ['port-forward', 'port-forward'],
  ['ephemeral-containers', 'Ephemeral containers'],
  ['service-proxy', 'Proxy to services'],
  ['pod-proxy', 'Proxy to pods'],
  ['node-proxy', 'Proxy to kubelets (runs commands past RBAC)'],
];

const either = ['allow', 'deny'] as const;
const words = { allow: 'Allowed only', deny: 'Refused' };
const hints = {
  allow: 'Without a rule: whatever the ClusterRoles give.',
  deny: 'Goes before what is allowed. A list without a namespace shows every one, so it is refused with them.',
};

/** What the gateway refuses to people with the role, before the cluster decides by its own RBAC. */
export function PolicyFields({ policy, onChange }: { policy: Policy; onChange: (change: Partial<Policy>) => void }) {
  const many = (key: 'impersonateUsers' | 'impersonateGroups', label: string, hint: string) => (
    <TextField
      label={label}
      hint={hint}
      className="font-mono"
      spellCheck={false}
      defaultValue={policy[key].join(', ')}
      onChange={(text) => onChange({ [key]: splitList(text) })}
    />
  );
  return (
    <div className="space-y-4">
      <Tick label="Read-only: get, list and watch" on={policy.readOnly} set={(readOnly) => onChange({ readOnly })} />
      <fieldset>
        <legend className="mb-1 font-medium">Open ways in</legend>
        <div className="grid gap-1 sm:grid-cols-2">
          {ways.map(([way, label]) => (
            <Tick
              key={way}
              label={label}
              on={policy.connect.includes(way)}
              set={(on) =>
                onChange({
                  connect: ways.map(([one]) => one).filter((one) => (one === way ? on : policy.connect.includes(one))),
                })
              }
            />
          ))}
        </div>
      </fieldset>
      <Field label="Secrets">
        {(control) => (
          <select
            {...control}
            className="input"
            value={policy.secrets}
            onChange={(event) => onChange({ secrets: event.target.value as Policy['secrets'] })}
          >
            <option value="write">As the ClusterRoles say</option>
            <option value="read">Read, never change</option>
            <option value="none">Neither read nor change</option>
          </select>
        )}
      </Field>
      <Tick
        label="May make credentials that outlive the session: account tokens and certificates"
        on={policy.mintCredentials}
        set={(mintCredentials) => onChange({ mintCredentials })}
      />
      <Tick
        label="Refuse exec and attach that cannot be recorded"
        on={policy.recordStreams === 'required'}
        set={(on) => onChange({ recordStreams: on ? 'required' : 'when-possible' })}
      />
      <Tick
        label="A kubeconfig that nobody used for the idle time is woken by its person in the portal, not by its next call"
        on={policy.wakeBy === 'person'}
        set={(on) => onChange({ wakeBy: on ? 'person' : 'call' })}
      />
      {either.map((key) => (
        <RuleRows
          key={key}
          label={words[key]}
          hint={hints[key]}
          fields={['verbs', 'apiGroups', 'resources', 'namespaces', 'names']}
          fresh={{ verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'], namespaces: [], names: [] }}
          rules={policy[key]}
          onChange={(rules) => onChange({ [key]: rules })}
        />
      ))}
      <RuleRows<Policy['paths'][number]>
        label="Paths without a resource"
        hint="As /metrics; * within a part, ** over parts. Without a rule: any. Discovery is always open."
        fields={['methods', 'path']}
        fresh={{ methods: ['GET'], path: '/metrics' }}
        rules={policy.paths}
        onChange={(paths) => onChange({ paths })}
      />
      <RuleRows<Policy['proxyPaths'][number]>
        label="Paths behind services and pods"
        hint="Without a rule: any. UPGRADE is a WebSocket. With a rule, a read-only role may get these too."
        fields={['methods', 'namespaces', 'names', 'path']}
        fresh={{ methods: ['GET'], namespaces: [], names: [], path: '/**' }}
        rules={policy.proxyPaths}
        onChange={(proxyPaths) => onChange({ proxyPaths })}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        {many('impersonateUsers', 'May act as users (--as)', 'Globs. Left empty: nobody.')}
        {many('impersonateGroups', 'May act as groups (--as-group)', 'Globs. Never system: ones.')}
      </div>
    </div>
  );
}

function Tick({ label, on, set }: { label: string; on: boolean; set: (on: boolean) => void }) {
  const id = useId();
  return (
    <div className="flex items-start gap-2">
      <input id={id} type="checkbox" className="mt-1" checked={on} onChange={(event) => set(event.target.checked)} />
      <label htmlFor={id}>{label}</label>
    </div>
  );
}
