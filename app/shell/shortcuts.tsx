'use client';
import { useEffect } from 'react';
import { useStore } from '../lib/store.ts';
import { Dialog } from '../ui/dialog.tsx';
import { inTerminal, typing } from './keys.ts';
import { paletteOpen, shortcutsOpen } from './open.ts';

const groups: { title: string; keys: [string, string][] }[] = [
  {
    title: 'Everywhere',
    keys: [
      ['Ctrl K / ⌘ K', 'Go to a cluster, session, page or action'],
      ['/', 'Filter the list on this page'],
      ['?', 'This list'],
      ['Ctrl `', 'To the terminal and back; the only key besides those below that a terminal gives up'],
    ],
  },
  {
    title: 'In a terminal',
    keys: [
      ['Ctrl Shift C', 'Copy the selection (Ctrl C too, while something is selected)'],
      ['Ctrl Shift V / Ctrl V', 'Paste; several lines are asked about first'],
      ['Ctrl Shift F', 'Search the screen and its scrollback'],
      ['Ctrl Shift + / −', 'Larger, smaller'],
    ],
  },
  {
    title: 'In a replay',
    keys: [
      ['Space', 'Play, pause'],
      ['← →', '5 seconds back, ahead (Shift: 30)'],
      ['< >', 'Slower, faster'],
      ['Home End', 'Start, end'],
      ['.', 'Next output'],
    ],
  },
];

/** The list of shortcuts, and the keys that work on every page. */
export function Shortcuts() {
  const open = useStore(shortcutsOpen);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      // Ctrl-K is readline's: a focused terminal keeps it; ⌘-K is nobody's there.
      if (event.key.toLowerCase() === 'k' && (event.metaKey || (event.ctrlKey && !inTerminal(event)))) {
        event.preventDefault();
        paletteOpen.update((shown) => !shown);
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event)) return;
      if (document.querySelector('[role="dialog"]')) return;
      if (event.key === '?') {
        event.preventDefault();
        shortcutsOpen.set(true);
      } else if (event.key === '/') {
        const filter = document.querySelector<HTMLInputElement>('[data-filter]');
        if (!filter) return;
        event.preventDefault();
        filter.focus();
        filter.select();
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  return (
    <Dialog open={open} onClose={() => shortcutsOpen.set(false)} title="Keyboard shortcuts" wide>
      <div className="grid gap-6 md:grid-cols-2">
        {groups.map((group) => (
          <section key={group.title}>
            <h2 className="mb-2">{group.title}</h2>
            <dl className="space-y-1.5">
              {group.keys.map(([keys, what]) => (
                <div key={keys} className="flex gap-3">
                  <dt className="w-[130px] shrink-0">
                    <kbd className="kbd">{keys}</kbd>
                  </dt>
                  <dd className="text-muted">{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
