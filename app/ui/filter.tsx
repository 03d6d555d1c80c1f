'use client';
import { Search } from 'lucide-react';
import { Icon } from './glyph.tsx';

/** The filter that `/` goes to. */
export function Filter({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <div className="relative w-full sm:w-60">
      <Icon of={Search} size={14} className="pointer-events-none absolute top-[9px] left-2.5 text-muted" />
      <input
        data-filter
        type="search"
        className="input pl-8"
        aria-label={label}
        placeholder={`${label}  /`}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          onChange('');
          event.currentTarget.blur();
        }}
      />
    </div>
  );
}

/** A choice among a few, as a native select: it works with every keyboard and reader. */
export function Choice({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: { value: string; label: string }[];
  onChange: (value: string) => void;
}) {
  return (
    <select
      aria-label={label}
      className="input w-auto pr-7"
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}
