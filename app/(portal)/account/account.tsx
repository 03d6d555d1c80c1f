'use client';
import { useQuery } from '@tanstack/react-query';
import { Tokens } from '../../api-tokens/tokens.tsx';
import { queries } from '../../lib/queries.ts';
import { signOut } from '../../shell/header.tsx';
import { Button } from '../../ui/button.tsx';
import { Fact, Facts, PageBody, Waiting } from '../../ui/layout.tsx';
import { ProblemPanel } from '../../ui/problem.tsx';
import { Kubeconfigs } from './kubeconfigs.tsx';
import { Links } from './links.tsx';
import { OwnedServiceUsers } from './owned-service-users.tsx';

const portalWords = {
  admin: 'administrator',
  auditor: 'auditor: sees all sessions, recordings and the audit log',
  member: 'member: sees own sessions',
};

/** Who one is here, and the kubeconfigs and tokens that one's own tools act with. */
export function Account() {
  const me = useQuery(queries.me());
  return (
    <PageBody
      title="Account"
      actions={
        <Button onClick={() => void signOut(me.data)} title="Your running sessions end with it">
          Sign out
        </Button>
      }
    >
      {me.data ? (
        <section className="card mb-6 p-4" aria-label="You">
          <Facts>
            <Fact name="Name">{me.data.name}</Fact>
            <Fact name="Email">{me.data.email}</Fact>
            <Fact name="On the portal">{portalWords[me.data.portal]}</Fact>
            <Fact name="Roles">{me.data.roles.join(', ') || 'none yet'}</Fact>
            <Fact name="Groups">{me.data.groups.join(', ') || 'none'}</Fact>
            <Fact name="On clusters">
              accounts named <code>sp-{me.data.slug}-…</code>
            </Fact>
          </Facts>
        </section>
      ) : me.error ? (
        <ProblemPanel error={me.error} retry={() => void me.refetch()} />
      ) : (
        <Waiting>Asking who you are</Waiting>
      )}
      <Kubeconfigs />
      <Links />
      <Tokens />
      <OwnedServiceUsers />
    </PageBody>
  );
}
