'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { paths } from '../../lib/paths.ts';
import { queries } from '../../lib/queries.ts';

/** The service users that the person answers for; nothing where there are none. */
export function OwnedServiceUsers() {
  const owned = useQuery(queries.ownedServiceUsers());
  if (!owned.data?.items.length) return null;
  return (
    <section className="mt-6" aria-labelledby="owned">
      <h2 id="owned" className="mb-3">
        Service users that you own
      </h2>
      <ul className="card divide-y" aria-label="Service users that you own">
        {owned.data.items.map((user) => (
          <li key={user.id} className="flex flex-wrap items-center gap-x-5 gap-y-1 px-4 py-2.5">
            <Link href={paths.serviceUser(user.id)} className="link min-w-[140px] flex-1">
              {user.name}
            </Link>
            <span className="text-muted">{user.roles.join(', ') || 'no role'}</span>
            {user.disabledAt ? <span className="text-muted">disabled</span> : null}
          </li>
        ))}
      </ul>
    </section>
  );
}
