'use client';
import type { Cluster } from '../../../server/http/schemas.ts';
import { Field } from '../../ui/field.tsx';

export const actAsWords: Record<Cluster['actAs'], string> = {
  account: 'With an account of their own',
  impersonation: 'As the person, impersonated by the portal’s account',
};

const hints: Record<Cluster['actAs'], string> = {
  account: 'Made for the session, bound to its role’s ClusterRoles, removed at its end. Nothing else has to be set up.',
  impersonation:
    'Under the person’s email and those of their groups that have the role; bind ClusterRoles to these groups on the cluster. Whoever had the portal’s token would be everybody.',
};

/** How sessions act on a cluster. */
export function ActAsField({
  value,
  onChange,
}: {
  value: Cluster['actAs'];
  onChange: (value: Cluster['actAs']) => void;
}) {
  return (
    <Field label="Sessions act" hint={hints[value]}>
      {(control) => (
        <select
          {...control}
          className="input"
          value={value}
          onChange={(event) => onChange(event.target.value as Cluster['actAs'])}
        >
          <option value="account">{actAsWords.account}</option>
          <option value="impersonation">{actAsWords.impersonation}</option>
        </select>
      )}
    </Field>
  );
}
