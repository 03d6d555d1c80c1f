'use client';
import { useQuery } from '@tanstack/react-query';
import { Tokens } from '../../../api-tokens/tokens.tsx';
import { queries } from '../../../lib/queries.ts';
import { Fact, Facts, PageBody, Waiting } from '../../../ui/layout.tsx';
import { ProblemPanel } from '../../../ui/problem.tsx';
import { LinkKeys } from './link-keys.tsx';
import { Trusts } from './trusts.tsx';

/** What a program is here, and by what it proves to be it: its tokens, and whose jobs' id tokens. */
export function ServiceUserPage({ id }: { id: string }) {
  const user = useQuery(queries.serviceUser(id));
  const me = useQuery(queries.me());
  if (user.error && !user.data)
    return (
      <PageBody title="Service user">
        <ProblemPanel error={user.error} retry={() => void user.refetch()} />
      </PageBody>
    );
  if (user.data === undefined)
    return (
      <PageBody title="Service user">
        <Waiting>Asking for the service user</Waiting>
      </PageBody>
    );
  const { name, email, slug, owner, roles, groups, disabledAt } = user.data;
  return (
    <PageBody title={name} intro="A service user: for programs, without a password and a sign-in.">
      <section className="card mb-6 p-4" aria-label="The service user">
        <Facts>
          <Fact name="On record as">{email}</Fact>
          <Fact name="Owner">{owner ? `${owner.name} (${owner.email})` : 'nobody'}</Fact>
          <Fact name="State">{disabledAt ? 'disabled' : 'enabled'}</Fact>
          <Fact name="Roles">{roles.join(', ') || 'none yet'}</Fact>
          <Fact name="Groups">{groups.join(', ') || 'none'}</Fact>
          <Fact name="On clusters">
            accounts named <code>sp-{slug}-…</code>
          </Fact>
        </Facts>
      </section>
      <Trusts of={user.data} mayChange={me.data?.portal === 'admin'} />
      <LinkKeys of={user.data} mayChange={me.data?.portal === 'admin'} />
      <Tokens of={id} />
    </PageBody>
  );
}
