'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Ban, Bot, CircleCheck, Plus, Users as UsersIcon } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import type { User } from '../../../server/http/schemas.ts';
import { api } from '../../lib/api.ts';
import { paths } from '../../lib/paths.ts';
import { PortalError } from '../../lib/problem.ts';
import { queries } from '../../lib/queries.ts';
import { useSearch } from '../../lib/use-search.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Filter } from '../../ui/filter.tsx';
import { Icon } from '../../ui/glyph.tsx';
import { Empty, Waiting } from '../../ui/layout.tsx';
import { ListPage } from '../../ui/list-page.tsx';
import { ProblemPanel } from '../../ui/problem.tsx';
import { RunningSessions } from '../../ui/running-sessions.tsx';
import { Status } from '../../ui/status.tsx';
import { parseSort, sortRows, Table, type Column } from '../../ui/table.tsx';
import { Time } from '../../ui/time.tsx';
import { toast } from '../../ui/toast.tsx';
import { ServiceUserForm } from './service-user-form.tsx';
import { UserForm } from './user-form.tsx';

const providers: Record<User['provider'], string> = {
  local: 'Local',
  oidc: 'OpenID',
  github: 'GitHub',
  service: 'Program',
};

export function Users() {
  const me = useQuery(queries.me());
  const users = useQuery(queries.users());
  const client = useQueryClient();
  const [search, setSearch] = useSearch();
  const [editing, setEditing] = useState<User | 'new' | 'new-service' | null>(null);
  const [asking, setAsking] = useState<User | null>(null);
  const filter = search.get('q') ?? '';
  const sort = parseSort(search.get('sort') ?? 'name');
  const columns: Column<User>[] = [
    {
      key: 'name',
      header: 'Name',
      width: 'minmax(80px, 1.2fr)',
      sort: (user) => user.name.toLowerCase(),
      under: (user) => `${user.disabledAt ? 'Disabled · ' : ''}${user.email}`,
      cell: (user) =>
        user.provider === 'service' ? (
          <Link className="link font-medium" href={paths.serviceUser(user.id)} title={user.name}>
            {user.name}
          </Link>
        ) : (
          <span className="font-medium" title={user.name}>
            {user.name}
          </span>
        ),
    },
    {
      key: 'email',
      header: 'Email',
      width: 'minmax(120px, 1.9fr)',
      wide: true,
      sort: (user) => user.email,
      cell: (user) => <span title={user.email}>{user.email}</span>,
    },
    {
      key: 'provider',
      header: 'Signs in by',
      width: '92px',
      wide: true,
      sort: (user) => user.provider,
      cell: (user) => providers[user.provider],
    },
    {
      key: 'roles',
      header: 'Roles',
      width: 'minmax(90px, 1fr)',
      wide: true,
      cell: (user) =>
        user.roles.length ? (
          <span title={user.roles.join(', ')}>{user.roles.join(', ')}</span>
        ) : (
          <span className="text-muted">none</span>
        ),
    },
    {
      key: 'groups',
      header: 'Groups',
      width: 'minmax(90px, 1fr)',
      wide: true,
      cell: (user) => <span title={user.groups.join(', ')}>{user.groups.join(', ') || '–'}</span>,
    },
    {
      key: 'seen',
      header: 'Signed in',
      width: '92px',
      wide: true,
      sort: (user) => user.lastSignInAt ?? '',
      cell: (user) => (user.lastSignInAt ? <Time at={user.lastSignInAt} /> : 'never'),
    },
    {
      key: 'state',
      header: 'State',
      width: '96px',
      wide: true,
      sort: (user) => (user.disabledAt ? 1 : 0),
      cell: (user) =>
        user.disabledAt ? (
          <Status icon={Ban} tone="bad">
            Disabled
          </Status>
        ) : (
          <Status icon={CircleCheck} tone="ok">
            Enabled
          </Status>
        ),
    },
    {
      key: 'actions',
      header: 'Actions',
      width: '156px',
      cell: (user) => (
        <span className="flex gap-1.5">
          <Button
            size="sm"
            aria-label={`Change ${user.name}`}
            blocked={
              user.provider === 'local' || user.provider === 'service' ? null : 'the provider holds name and groups'
            }
            onClick={() => setEditing(user)}
          >
            Change
          </Button>
          <Button
            size="sm"
            kind={user.disabledAt ? 'default' : 'danger'}
            aria-label={`${user.disabledAt ? 'Enable' : 'Disable'} ${user.name}`}
            blocked={user.id === me.data?.id ? 'this is you' : null}
            onClick={() => setAsking(user)}
          >
            {user.disabledAt ? 'Enable' : 'Disable'}
          </Button>
        </span>
      ),
    },
  ];
  const all = users.data?.items ?? [];
  const rows = sortRows(
    all.filter((user) =>
      `${user.name} ${user.email} ${user.groups.join(' ')} ${user.roles.join(' ')}`
        .toLowerCase()
        .includes(filter.toLowerCase()),
    ),
    columns,
    sort,
  );
  const refresh = () => client.invalidateQueries({ queryKey: ['users'] });
  const saved = (user: User) => {
    setEditing(null);
    toast(`${user.name} is saved.`);
    void refresh();
  };
  if (users.error instanceof PortalError && users.error.status === 403)
    return (
      <ListPage title="Users">
        <ProblemPanel error={users.error} />
      </ListPage>
    );
  const disabling = asking !== null && asking.disabledAt === null;
  return (
    <ListPage
      title="Users"
      count={users.data ? rows.length : undefined}
      actions={
        <>
          <Filter label="Filter users" value={filter} onChange={(q) => setSearch({ q })} />
          <Button onClick={() => setEditing('new-service')}>
            <Icon of={Bot} /> Add a service user
          </Button>
          <Button kind="primary" onClick={() => setEditing('new')}>
            <Icon of={Plus} /> Add a local user
          </Button>
        </>
      }
    >
      {users.error && !users.data ? (
        <ProblemPanel error={users.error} retry={() => void users.refetch()} />
      ) : users.data === undefined ? (
        <Waiting>Asking for the users</Waiting>
      ) : rows.length === 0 ? (
        <Empty icon={UsersIcon} title={all.length ? 'No user matches the filter' : 'No user yet'}>
          People of an identity provider are here once they have signed in.
        </Empty>
      ) : (
        <Table
          label="Users"
          rows={rows}
          columns={columns}
          rowKey={(user) => user.id}
          sort={sort}
          onSort={(next) => setSearch({ sort: next })}
        />
      )}
      {editing === 'new-service' || (typeof editing === 'object' && editing?.provider === 'service') ? (
        <ServiceUserForm
          user={editing === 'new-service' ? null : editing}
          people={all.filter(({ provider, disabledAt }) => provider !== 'service' && !disabledAt)}
          onClose={() => setEditing(null)}
          onSaved={saved}
        />
      ) : editing ? (
        <UserForm user={editing === 'new' ? null : editing} onClose={() => setEditing(null)} onSaved={saved} />
      ) : null}
      <Confirm
        open={asking !== null}
        onClose={() => setAsking(null)}
        title={`${disabling ? 'Disable' : 'Enable'} ${asking?.name ?? ''}?`}
        action={disabling ? 'Disable' : 'Enable'}
        kind={disabling ? 'danger' : 'primary'}
        act={async () => {
          await api.updateUser(asking!.id, { disabled: disabling });
          await refresh();
        }}
      >
        <p>
          {disabling
            ? 'They are signed out everywhere within a second, their running sessions end, and their API tokens are refused. It can be undone.'
            : 'They can sign in again. Sessions that ended stay ended.'}
        </p>
        {disabling ? <RunningSessions filter={{ user: asking.id }} /> : null}
      </Confirm>
    </ListPage>
  );
}
