'use client';
import type { ISearchOptions, SearchAddon } from '@xterm/addon-search';
import { ChevronDown, ChevronUp, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/glyph.tsx';

const marks: ISearchOptions['decorations'] = {
  matchBackground: '#5c4a12',
  matchOverviewRuler: '#e5b567',
  activeMatchBackground: '#b8860b',
  activeMatchColorOverviewRuler: '#f5d08a',
};

/** Finds text on the screen and in its scrollback. Enter: next; Shift-Enter: previous; Escape: back to the shell. */
export function SearchBar({ search, onClose }: { search: SearchAddon | undefined; onClose: () => void }) {
  const [text, setText] = useState('');
  const [found, setFound] = useState<{ index: number; count: number } | null>(null);
  useEffect(() => {
    const listener = search?.onDidChangeResults(({ resultIndex, resultCount }) =>
      setFound({ index: resultIndex, count: resultCount }),
    );
    return () => {
      listener?.dispose();
      search?.clearDecorations();
    };
  }, [search]);
  const go = (back: boolean, value = text, incremental = false) => {
    if (value === '') {
      search?.clearDecorations();
      setFound(null);
    } else if (back) search?.findPrevious(value, { decorations: marks });
    else search?.findNext(value, { decorations: marks, incremental });
  };
  return (
    <div className="absolute top-2 right-4 z-20 flex items-center gap-1 rounded-lg border bg-surface p-1 text-text shadow-pop">
      <input
        autoFocus
        className="input w-52"
        placeholder="Find"
        aria-label="Find in the terminal"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          go(false, event.target.value, true);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onClose();
          if (event.key === 'Enter') go(event.shiftKey);
        }}
      />
      <span role="status" className="min-w-14 text-center text-[12px] text-muted">
        {found ? (found.count ? `${found.index + 1} of ${found.count}` : 'None') : ''}
      </span>
      <Button kind="ghost" size="sm" icon aria-label="Previous match" onClick={() => go(true)}>
        <Icon of={ChevronUp} />
      </Button>
      <Button kind="ghost" size="sm" icon aria-label="Next match" onClick={() => go(false)}>
        <Icon of={ChevronDown} />
      </Button>
      <Button kind="ghost" size="sm" icon aria-label="Close the search" onClick={onClose}>
        <Icon of={X} />
      </Button>
    </div>
  );
}
