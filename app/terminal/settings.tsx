'use client';
import { Popover } from 'radix-ui';
import { useId, type ReactNode } from 'react';
import { useStore } from '../lib/store.ts';
import { Button } from '../ui/button.tsx';
import { FONT_SIZES, preferences, setPreferences, type Preferences } from './preferences.ts';
import { schemes } from './schemes.ts';

/** Colours, size, screen reader and Ctrl-V; remembered in this browser. */
export function TerminalSettings({ children }: { children: ReactNode }) {
  const taste = useStore(preferences);
  const id = useId();
  return (
    <Popover.Root>
      <Popover.Trigger asChild>{children}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content align="end" sideOffset={4} aria-label="Terminal settings" className="menu w-[280px] p-3">
          <label htmlFor={`${id}-scheme`} className="mb-1 block font-medium">
            Colours
          </label>
          <select
            id={`${id}-scheme`}
            className="input"
            value={taste.scheme}
            onChange={(event) => setPreferences({ scheme: event.target.value as Preferences['scheme'] })}
          >
            {Object.entries(schemes).map(([value, { label }]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
          <div className="mt-3 flex items-center justify-between" role="group" aria-label="Font size">
            <span className="font-medium">Font size</span>
            <span className="flex items-center gap-1.5">
              <Button
                size="sm"
                icon
                aria-label="Smaller"
                blocked={taste.fontSize <= FONT_SIZES.least ? 'smallest' : null}
                onClick={() => setPreferences({ fontSize: taste.fontSize - 1 })}
              >
                −
              </Button>
              <span aria-live="polite">{taste.fontSize} px</span>
              <Button
                size="sm"
                icon
                aria-label="Larger"
                blocked={taste.fontSize >= FONT_SIZES.most ? 'largest' : null}
                onClick={() => setPreferences({ fontSize: taste.fontSize + 1 })}
              >
                +
              </Button>
            </span>
          </div>
          <Check
            checked={taste.screenReader}
            onChange={(screenReader) => setPreferences({ screenReader })}
            label="Screen-reader mode"
          />
          <Check
            checked={taste.ctrlV === 'paste'}
            onChange={(paste) => setPreferences({ ctrlV: paste ? 'paste' : 'send' })}
            label="Ctrl-V pastes (off: it goes to the program)"
          />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Check({ checked, onChange, label }: { checked: boolean; onChange: (on: boolean) => void; label: string }) {
  return (
    <label className="mt-3 flex items-start gap-2">
      <input type="checkbox" className="mt-1" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  );
}
