'use client';
import { useQuery } from '@tanstack/react-query';
import { Search, X } from 'lucide-react';
import { useState } from 'react';
import { api } from '../lib/api.ts';
import { countdown } from '../lib/time.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/glyph.tsx';
import { ProblemPanel } from '../ui/problem.tsx';

/** Text in the recording: each line that shows it, and a way to its moment. */
export function RecordingSearch({ recording, onSeek }: { recording: string; onSeek: (ms: number) => void }) {
  const [text, setText] = useState('');
  const [asked, setAsked] = useState('');
  const hits = useQuery({
    queryKey: ['recording-search', recording, asked],
    queryFn: ({ signal }) => api.searchRecording(recording, asked, signal),
    enabled: asked !== '',
  });
  const items = hits.data?.items ?? [];
  return (
    <div className="border-b">
      <form
        role="search"
        className="flex items-center gap-2 px-2 py-1.5"
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(text.trim());
        }}
      >
        <div className="relative flex-1">
          <Icon of={Search} size={14} className="pointer-events-none absolute top-[9px] left-2.5 text-muted" />
          <input
            data-filter
            type="search"
            className="input pl-8"
            aria-label="Find text in the recording"
            placeholder="Find text in the recording  /"
            maxLength={200}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </div>
        <Button type="submit" blocked={text.trim() ? null : 'type something first'}>
          Find
        </Button>
        {asked ? (
          <Button
            kind="ghost"
            icon
            aria-label="Close the search"
            onClick={() => {
              setAsked('');
              setText('');
            }}
          >
            <Icon of={X} />
          </Button>
        ) : null}
      </form>
      {asked ? (
        <div className="max-h-44 overflow-y-auto border-t" role="status" aria-live="polite">
          {hits.error ? (
            <ProblemPanel error={hits.error} compact retry={() => void hits.refetch()} />
          ) : hits.isPending ? (
            <p className="px-3 py-2 text-muted">Searching…</p>
          ) : items.length === 0 ? (
            <p className="px-3 py-2 text-muted">The screen never showed “{asked}”.</p>
          ) : (
            <ul>
              {items.map((hit) => (
                <li key={`${hit.offset} ${hit.line}`}>
                  <button
                    type="button"
                    className="flex w-full items-baseline gap-3 px-3 py-1 text-left -outline-offset-2 hover:bg-hover"
                    onClick={() => onSeek(hit.atMs)}
                  >
                    <span className="shrink-0 text-accent">{countdown(hit.atMs)}</span>
                    <span className="truncate font-mono text-[12.5px]">{hit.line}</span>
                  </button>
                </li>
              ))}
            </ul>
          )}
        </div>
      ) : null}
    </div>
  );
}
