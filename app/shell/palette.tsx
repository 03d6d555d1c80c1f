'use client';
import { useQuery } from '@tanstack/react-query';
import { Command } from 'cmdk';
import { Dialog as Radix } from 'radix-ui';
import { useRouter } from 'next/navigation';
import { Children, useRef, type ReactNode } from 'react';
import type { Me } from '../../server/http/schemas.ts';
import { focusSession, startSession } from '../dock/actions.ts';
import { paths } from '../lib/paths.ts';
import { queries } from '../lib/queries.ts';
import { useStore } from '../lib/store.ts';
import { ProductionMark } from '../ui/status.tsx';
import { useDialogFocus } from '../ui/use-dialog-focus.ts';
import { signOut } from './header.tsx';
import { navFor } from './nav.ts';
import { paletteOpen, shortcutsOpen } from './open.ts';
import { setTheme } from './theme.ts';

/** Reaches every cluster, session, page and action by a few typed letters. */
export function Palette({ me }: { me: Me | undefined }) {
  const open = useStore(paletteOpen);
  const router = useRouter();
  const clusters = useQuery({ ...queries.clusters(), enabled: open });
  const sessions = useQuery({ ...queries.mySessions(), enabled: open });
  const known = !clusters.isPending || clusters.failureCount > 0;
  const close = () => paletteOpen.set(false);
  // An action may move focus: it runs when the palette has given it back.
  const chosen = useRef<(() => void) | null>(null);
  const run = (action: () => void) => () => {
    chosen.current = action;
    close();
  };
  const focus = useDialogFocus(() => {
    chosen.current?.();
    chosen.current = null;
  });
  const running = (sessions.data?.items ?? []).filter((session) => session.state !== 'ended');
  return (
    <Radix.Root open={open} onOpenChange={(next) => paletteOpen.set(next)}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-50 bg-black/45" />
        <Radix.Content
          aria-describedby={undefined}
          {...focus}
          className="card fixed top-[12vh] left-1/2 z-50 w-[calc(100vw-24px)] max-w-[560px] -translate-x-1/2 overflow-hidden shadow-pop"
        >
          <Radix.Title className="sr-only">Go to</Radix.Title>
          <Command label="Go to" loop>
            <Command.Input
              className="w-full border-b bg-transparent px-4 py-3 text-[14px] outline-none placeholder:text-muted"
              placeholder="A cluster, a session, a page, an action…"
            />
            {/* Enter takes the first entry: none before the clusters are known. */}
            {known ? (
              <Command.List className="max-h-[52vh] overflow-y-auto p-1.5">
                <Command.Empty className="px-3 py-6 text-center text-muted">Nothing by that name.</Command.Empty>
                <Group heading="Start a shell on">
                  {(clusters.data?.items ?? []).flatMap((cluster) =>
                    cluster.roles.map((role) => (
                      <Item
                        key={`${cluster.id}-${role}`}
                        value={`shell ${cluster.name} ${role}${cluster.production ? ' production' : ''}`}
                        onSelect={run(() => startSession(cluster, role))}
                      >
                        <span className="flex-1 truncate">{cluster.name}</span>
                        <ProductionMark production={cluster.production} />
                        <AsRole role={role} />
                      </Item>
                    )),
                  )}
                </Group>
                <Group heading="Running sessions">
                  {running.map((session) => (
                    <Item
                      key={session.id}
                      value={`session ${session.cluster.name} ${session.role} ${session.id}`}
                      onSelect={run(() => focusSession(session))}
                    >
                      <span className="flex-1 truncate">{session.cluster.name}</span>
                      <ProductionMark production={session.cluster.production} />
                      <AsRole role={session.role} />
                    </Item>
                  ))}
                </Group>
                <Group heading="Clusters">
                  {(clusters.data?.items ?? []).map((cluster) => (
                    <Item
                      key={cluster.id}
                      value={`cluster ${cluster.name}`}
                      onSelect={run(() => router.push(paths.cluster(cluster.name)))}
                    >
                      <span className="flex-1 truncate">{cluster.name}</span>
                      <ProductionMark production={cluster.production} />
                    </Item>
                  ))}
                </Group>
                <Group heading="Pages">
                  {navFor(me).map((page) => (
                    <Item key={page.href} value={`page ${page.label}`} onSelect={run(() => router.push(page.href))}>
                      {page.label}
                    </Item>
                  ))}
                  <Item value="page account api tokens" onSelect={run(() => router.push(paths.account()))}>
                    Account and API tokens
                  </Item>
                  {me?.portal === 'admin' ? (
                    <Item value="page register cluster add new" onSelect={run(() => router.push(paths.newCluster()))}>
                      Register a cluster
                    </Item>
                  ) : null}
                </Group>
                <Group heading="Actions">
                  <Item value="action shortcuts keyboard help" onSelect={run(() => shortcutsOpen.set(true))}>
                    Keyboard shortcuts
                  </Item>
                  <Item value="action theme dark" onSelect={run(() => setTheme('dark'))}>
                    Dark appearance
                  </Item>
                  <Item value="action theme light" onSelect={run(() => setTheme('light'))}>
                    Light appearance
                  </Item>
                  <Item value="action theme system" onSelect={run(() => setTheme('system'))}>
                    Appearance as the system
                  </Item>
                  <Item value="action sign out log out" onSelect={run(() => void signOut(me))}>
                    Sign out
                  </Item>
                </Group>
              </Command.List>
            ) : null}
          </Command>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** A long role leaves the cluster's name its place. */
function AsRole({ role }: { role: string }) {
  return (
    <span className="max-w-[45%] shrink-0 truncate text-muted" title={role}>
      as {role}
    </span>
  );
}

function Group({ heading, children }: { heading: string; children: ReactNode }) {
  // A heading over nothing is left out.
  if (Children.count(children) === 0) return null;
  return (
    <Command.Group
      heading={heading}
      className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-[12px] [&_[cmdk-group-heading]]:text-muted"
    >
      {children}
    </Command.Group>
  );
}

function Item({ value, onSelect, children }: { value: string; onSelect: () => void; children: ReactNode }) {
  return (
    <Command.Item value={value} onSelect={onSelect} className="menu-item">
      {children}
    </Command.Item>
  );
}
