'use client';
import { useQuery } from '@tanstack/react-query';
import { queries } from '../lib/queries.ts';
import { Field } from './field.tsx';

/** One of the clusters. `all`: what choosing none means, where that is allowed. */
export function ClusterField({
  value,
  onChange,
  all,
}: {
  value: string;
  onChange: (cluster: string) => void;
  all?: string;
}) {
  const clusters = useQuery(queries.clusters());
  return (
    <Field label="Cluster" error={null}>
      {(control) => (
        <select
          {...control}
          className="input"
          required={all === undefined}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        >
          <option value="">{all ?? 'Choose one'}</option>
          {(clusters.data?.items ?? []).map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** One of the roles, where there is a choice. */
export function RoleField({
  roles,
  value,
  onChange,
  hint,
}: {
  roles: readonly string[];
  value: string;
  onChange: (role: string) => void;
  hint?: string;
}) {
  if (roles.length < 2) return null;
  return (
    <Field label="Role" hint={hint} error={null}>
      {(control) => (
        <select {...control} className="input" value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="">The only one that reaches it</option>
          {roles.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
    </Field>
  );
}
