import type { LucideIcon } from 'lucide-react';
import { AppWindow, Boxes, KeyRound, ListVideo, ScrollText, SquareTerminal, Users } from 'lucide-react';
import type { Me } from '../../server/http/schemas.ts';
import { paths } from '../lib/paths.ts';

export type NavItem = { href: string; label: string; icon: LucideIcon };

/** What a person can reach; pages that would only refuse are not offered. */
export function navFor(me: Me | undefined): NavItem[] {
  const items: NavItem[] = [
    { href: paths.home(), label: 'Start', icon: SquareTerminal },
    { href: paths.sessions(), label: 'Sessions', icon: ListVideo },
    { href: paths.clusters(), label: 'Clusters', icon: Boxes },
    { href: paths.services(), label: 'Services', icon: AppWindow },
  ];
  if (me?.portal === 'admin' || me?.portal === 'auditor')
    items.push({ href: paths.audit(), label: 'Audit', icon: ScrollText });
  if (me?.portal === 'admin')
    items.push(
      { href: paths.roles(), label: 'Roles', icon: KeyRound },
      { href: paths.users(), label: 'Users', icon: Users },
    );
  return items;
}
