'use client';
import { CircleUser, Menu as MenuIcon, Search } from 'lucide-react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { DropdownMenu } from 'radix-ui';
import type { Me } from '../../server/http/schemas.ts';
import { api } from '../lib/api.ts';
import { paths } from '../lib/paths.ts';
import { useStore } from '../lib/store.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/glyph.tsx';
import { toastFailure } from '../ui/toast.tsx';
import { Mark } from './mark.tsx';
import { navFor } from './nav.ts';
import { paletteOpen, shortcutsOpen } from './open.ts';
import { setTheme, theme, themes } from './theme.ts';

function isCurrent(pathname: string, href: string): boolean {
  return href === '/' ? pathname === '/' : pathname === href || pathname.startsWith(`${href}/`);
}

/** Signs out of the portal, then of the provider where it has an address for that. */
export async function signOut(me: Me | undefined): Promise<void> {
  try {
    await api.signOut();
    location.assign(me?.signOutUrl ?? paths.signIn({ reason: 'signed-out' }));
  } catch (error) {
    toastFailure(error);
  }
}

export function Header({ me }: { me: Me | undefined }) {
  const pathname = usePathname();
  const items = navFor(me);
  return (
    <header className="flex h-12 shrink-0 items-center gap-2 border-b bg-surface px-3 md:px-4">
      <Link href={paths.home()} className="mr-1 flex items-center gap-2 rounded md:mr-3">
        <Mark />
        <span className="text-[15px] font-semibold tracking-[-0.015em]">Sallyport</span>
      </Link>
      <nav aria-label="Main" className="hidden h-full items-stretch md:flex">
        {items.map((item) => {
          const current = isCurrent(pathname, item.href);
          return (
            <Link
              key={item.href}
              href={item.href}
              aria-current={current ? 'page' : undefined}
              className={`relative flex items-center px-3 ${current ? 'font-semibold text-text after:absolute after:inset-x-3 after:bottom-0 after:h-0.5 after:rounded-t after:bg-accent' : 'text-muted hover:text-text'}`}
            >
              {item.label}
            </Link>
          );
        })}
      </nav>
      <div className="flex-1" />
      <button
        type="button"
        onClick={() => paletteOpen.set(true)}
        className="btn hidden w-56 justify-start border-line bg-bg font-normal text-muted lg:flex"
        aria-keyshortcuts="Control+K Meta+K"
      >
        <Icon of={Search} size={14} />
        <span className="flex-1 text-left">Go to…</span>
        <kbd className="kbd">Ctrl K</kbd>
      </button>
      <Button kind="ghost" icon className="lg:hidden" aria-label="Go to…" onClick={() => paletteOpen.set(true)}>
        <Icon of={Search} size={17} />
      </Button>
      <DropdownMenu.Root>
        <DropdownMenu.Trigger asChild>
          <button type="button" className="btn btn-ghost max-w-[220px] px-2" aria-label={`Account: ${me?.name ?? '…'}`}>
            <Icon of={CircleUser} size={17} />
            <span className="hidden truncate md:inline">{me?.name ?? '…'}</span>
          </button>
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content align="end" sideOffset={4} className="menu">
            {me ? (
              <div className="border-b px-2 pt-1 pb-2">
                <p className="font-medium">{me.name}</p>
                <p className="text-muted">{me.email}</p>
                <p className="mt-1 text-[12.5px] text-muted">
                  {me.roles.length ? `Roles: ${me.roles.join(', ')}` : 'No role yet'}
                </p>
              </div>
            ) : null}
            <DropdownMenu.Item asChild>
              <Link href={paths.account()} className="menu-item mt-1">
                Account and API tokens
              </Link>
            </DropdownMenu.Item>
            <DropdownMenu.Item className="menu-item" onSelect={() => shortcutsOpen.set(true)}>
              <span className="flex-1">Keyboard shortcuts</span> <kbd className="kbd">?</kbd>
            </DropdownMenu.Item>
            <ThemeItems />
            <DropdownMenu.Separator className="my-1 h-px bg-line" />
            <DropdownMenu.Item className="menu-item" onSelect={() => void signOut(me)}>
              Sign out
            </DropdownMenu.Item>
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
      <DropdownMenu.Root>
        <DropdownMenu.Trigger asChild>
          <Button kind="ghost" icon className="md:hidden" aria-label="Pages">
            <Icon of={MenuIcon} size={18} />
          </Button>
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content align="end" sideOffset={4} className="menu">
            {items.map((item) => (
              <DropdownMenu.Item asChild key={item.href}>
                <Link
                  href={item.href}
                  className="menu-item"
                  aria-current={isCurrent(pathname, item.href) ? 'page' : undefined}
                >
                  <Icon of={item.icon} className="text-muted" /> {item.label}
                </Link>
              </DropdownMenu.Item>
            ))}
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
    </header>
  );
}

function ThemeItems() {
  const current = useStore(theme);
  return (
    <DropdownMenu.RadioGroup value={current} onValueChange={(value) => setTheme(value as typeof current)}>
      <DropdownMenu.Label className="mt-1 border-t px-2 pt-2 pb-1 text-[12px] text-muted">
        Appearance
      </DropdownMenu.Label>
      {themes.map((item) => (
        <DropdownMenu.RadioItem
          key={item.value}
          value={item.value}
          className="menu-item"
          onSelect={(event) => event.preventDefault()}
        >
          <span
            aria-hidden="true"
            className={`grid size-3.5 place-items-center rounded-full border ${current === item.value ? 'border-accent' : 'border-line-strong'}`}
          >
            {current === item.value ? <span className="size-1.5 rounded-full bg-accent" /> : null}
          </span>
          {item.label}
        </DropdownMenu.RadioItem>
      ))}
    </DropdownMenu.RadioGroup>
  );
}
