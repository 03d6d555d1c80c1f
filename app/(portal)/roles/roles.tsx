'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { KeyRound, Plus } from 'lucide-react';
import { useState } from 'react';
import type { Role } from '../../../server/http/schemas.ts';
import { api } from '../../lib/api.ts';
import { queries } from '../../lib/queries.ts';
import { duration } from '../../lib/time.ts';
import { useSearch } from '../../lib/use-search.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Filter } from '../../ui/filter.tsx';
import { Icon } from '../../ui/glyph.tsx';
import { Empty, PageBody, Waiting } from '../../ui/layout.tsx';
import { ProblemPanel } from '../../ui/problem.tsx';
import { RunningSessions } from '../../ui/running-sessions.tsx';
import { policySummary } from './policy-summary.ts';
import { RoleForm } from './role-form.tsx';

/** So many are seen at a glance, and need no filter. */
const FEW = 6;

/** Who may do what on the clusters, and for how long. */
export function Roles() {
  const me = useQuery(queries.me());
  const roles = useQuery(queries.roles());
  const client = useQueryClient();
  const [editing, setEditing] = useState<Role | 'new' | null>(null);
  const [deleting, setDeleting] = useState<Role | null>(null);
  const [search, setSearch] = useSearch();
  const all = roles.data?.items ?? [];
  const filter = all.length > FEW ? (search.get('q') ?? '') : '';
  const shown = all.filter(({ name, description, groups, clusterRoles, namespaces }) =>
    [name, description, ...groups, ...clusterRoles, ...namespaces]
      .join(' ')
      .toLowerCase()
      .includes(filter.toLowerCase()),
  );
  const admin = me.data?.portal === 'admin';
  const refresh = () => client.invalidateQueries({ queryKey: ['roles'] });
  const add = (
    <Button kind="primary" onClick={() => setEditing('new')}>
      <Icon of={Plus} /> Add a role
    </Button>
  );
  return (
    <PageBody
      title="Roles"
      intro="A role gives ClusterRoles in namespaces to the members of groups, within its times; the gateway can refuse more."
      actions={
        <>
          {all.length > FEW ? <Filter label="Filter roles" value={filter} onChange={(q) => setSearch({ q })} /> : null}
          {admin ? add : null}
        </>
      }
    >
      {roles.error && !roles.data ? (
        <ProblemPanel error={roles.error} retry={() => void roles.refetch()} />
      ) : roles.data === undefined ? (
        <Waiting>Asking for the roles</Waiting>
      ) : roles.data.items.length === 0 ? (
        <Empty icon={KeyRound} title="No role yet" action={admin ? add : undefined}>
          Nobody reaches a cluster without one.
        </Empty>
      ) : shown.length === 0 ? (
        <Empty icon={KeyRound} title="No role matches the filter" />
      ) : (
        <ul className="space-y-3" aria-label="Roles">
          {shown.map((role) => (
            <li key={role.name} className="card p-4">
              <div className="flex flex-wrap items-start justify-between gap-3">
                <div className="min-w-0 flex-1 basis-[240px] break-words">
                  <h2 className="text-[15px]">{role.name}</h2>
                  <p className="text-muted">{role.description || 'No description.'}</p>
                </div>
                {admin ? (
                  <span className="flex gap-2">
                    <Button size="sm" onClick={() => setEditing(role)} aria-label={`Change ${role.name}`}>
                      Change
                    </Button>
                    <Button
                      size="sm"
                      kind="danger"
                      onClick={() => setDeleting(role)}
                      aria-label={`Delete ${role.name}`}
                    >
                      Delete
                    </Button>
                  </span>
                ) : null}
              </div>
              <dl className="mt-3 grid grid-cols-2 gap-x-8 gap-y-2 lg:grid-cols-4">
                <Part name="ClusterRoles" value={role.clusterRoles.join(', ') || 'none: no cluster'} />
                <Part name="Namespaces" value={role.namespaces.join(', ') || 'all'} />
                <Part name="Groups" value={role.groups.join(', ') || 'nobody'} />
                <Part name="On the portal" value={role.portal} />
                <Part name="Ends when idle for" value={duration(role.idleMs)} />
                <Part name="Ends when detached for" value={duration(role.detachedMs)} />
                <Part name="Lasts at most" value={duration(role.hardCapMs)} />
                <Part name="Sessions at once" value={String(role.maxSessions)} />
                {role.clusterRoles.length > 0 ? <Part name="The gateway refuses" value={policySummary(role)} /> : null}
              </dl>
            </li>
          ))}
        </ul>
      )}
      {editing ? (
        <RoleForm
          role={editing === 'new' ? null : editing}
          onClose={() => setEditing(null)}
          onSaved={() => {
            setEditing(null);
            void refresh();
          }}
        />
      ) : null}
      <Confirm
        open={deleting !== null}
        onClose={() => setDeleting(null)}
        title={`Delete the role ${deleting?.name ?? ''}?`}
        action="Delete the role"
        typed={deleting?.name ?? ''}
        act={async () => {
          await api.deleteRole(deleting!.name);
          await refresh();
        }}
      >
        <p>
          Members of {deleting?.groups.join(', ') || 'no group'} lose what it gives, and running sessions in this role
          end at once.
        </p>
        {deleting ? <RunningSessions filter={{}} which={({ role }) => role === deleting.name} /> : null}
      </Confirm>
    </PageBody>
  );
}

function Part({ name, value }: { name: string; value: string }) {
  return (
    <div className="min-w-0">
      <dt className="text-[12.5px] text-muted">{name}</dt>
      <dd className="break-words">{value}</dd>
    </div>
  );
}
