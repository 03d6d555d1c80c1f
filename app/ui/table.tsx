'use client';
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp } from 'lucide-react';
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { Icon } from './glyph.tsx';

export type Column<T> = {
  key: string;
  header: string;
  /** A CSS grid track. */
  width: string;
  cell: (row: T) => ReactNode;
  /** What the column sorts by; without it the column does not sort. */
  sort?: (row: T) => string | number;
  /** Left out where the list is narrow. */
  wide?: boolean;
  /** A second line below the cell where the list is narrow, for what the columns that are left out say. */
  under?: (row: T) => ReactNode;
};

export type Sort = { key: string; descending: boolean };

/** "name" or "-name", as the URL carries it. */
export function parseSort(text: string | null): Sort | null {
  if (!text) return null;
  return text.startsWith('-') ? { key: text.slice(1), descending: true } : { key: text, descending: false };
}

/** cluster-9 comes before cluster-10. */
const names = new Intl.Collator('en', { numeric: true });

export function sortRows<T>(rows: T[], columns: Column<T>[], sort: Sort | null): T[] {
  const by = columns.find((column) => column.key === sort?.key)?.sort;
  if (!sort || !by) return rows;
  const direction = sort.descending ? -1 : 1;
  return rows.toSorted((a, b) => {
    const [left, right] = [by(a), by(b)];
    const order =
      typeof left === 'string' && typeof right === 'string' ? names.compare(left, right) : Number(left) - Number(right);
    // Infinity less itself is no number, and equal.
    return (order || 0) * direction;
  });
}

const ROW_PX = 37;
/** A row with a second line. */
const TALL_ROW_PX = 54;
/** Below this many pixels the wide columns are left out. */
const NARROW_PX = 720;

/**
 * A list that stays quick at any length: only the rows in view are in the page. Arrow keys move, Enter opens.
 * `onEnd` is called when the end comes into view, for lists that come in pages.
 */
export function Table<T>({
  label,
  rows,
  columns,
  rowKey,
  sort,
  onSort,
  onOpen,
  onEnd,
  selected,
  onRow,
}: {
  label: string;
  rows: T[];
  columns: Column<T>[];
  rowKey: (row: T) => string;
  sort?: Sort | null;
  onSort?: (sort: string) => void;
  /** Enter or click on a row. */
  onOpen?: (row: T) => void;
  onEnd?: (() => void) | undefined;
  selected?: string | null;
  /** A class for the row. */
  onRow?: (row: T) => string;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const [narrow, setNarrow] = useState(false);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setNarrow((entry?.contentRect.width ?? 1000) < NARROW_PX));
    observer.observe(scroller.current!);
    return () => observer.disconnect();
  }, []);
  const shown = narrow ? columns.filter((column) => !column.wide) : columns;
  const template = shown.map((column) => column.width).join(' ');
  const rowPx = narrow && shown.some((column) => column.under) ? TALL_ROW_PX : ROW_PX;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    overscan: 12,
    getItemKey: (index) => rowKey(rows[index]!),
  });
  useEffect(() => virtual.measure(), [virtual, rowPx]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  const end = useRef(onEnd);
  useEffect(() => {
    end.current = onEnd;
  });
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - 1) end.current?.();
  }, [last, rows.length]);
  const selectedIndex = selected ? rows.findIndex((row) => rowKey(row) === selected) : -1;
  useEffect(() => {
    if (selectedIndex >= 0) virtual.scrollToIndex(selectedIndex, { align: 'auto' });
    // oxlint-disable-next-line react/exhaustive-deps -- follows the selection, not each render's virtualizer
  }, [selectedIndex]);

  const move = (event: KeyboardEvent, index: number) => {
    if (event.key === 'Enter' && event.target === event.currentTarget) onOpen?.(rows[index]!);
    const to = event.key === 'ArrowDown' ? index + 1 : event.key === 'ArrowUp' ? index - 1 : -1;
    if (to < 0 || to >= rows.length) return;
    event.preventDefault();
    virtual.scrollToIndex(to);
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-index="${to}"]`)?.focus());
  };

  return (
    <div
      ref={scroller}
      role="table"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      tabIndex={onOpen ? undefined : 0}
      className="card min-h-0 flex-1 overflow-auto"
    >
      <div role="rowgroup" className="sticky top-0 z-10 border-b bg-surface">
        <div role="row" className="grid px-3" style={{ gridTemplateColumns: template }}>
          {shown.map((column) => {
            const current = sort?.key === column.key ? sort : null;
            return (
              <div
                key={column.key}
                role="columnheader"
                aria-sort={current ? (current.descending ? 'descending' : 'ascending') : undefined}
                className="flex h-9 min-w-0 items-center pr-3 text-[12.5px] font-medium text-muted"
              >
                {column.sort && onSort ? (
                  <button
                    type="button"
                    className="flex min-w-0 items-center gap-1 hover:text-text"
                    onClick={() => onSort(current && !current.descending ? `-${column.key}` : column.key)}
                  >
                    <span className="truncate">{column.header}</span>
                    {current ? <Icon of={current.descending ? ArrowDown : ArrowUp} size={12} /> : null}
                  </button>
                ) : (
                  <span className="truncate">{column.header}</span>
                )}
              </div>
            );
          })}
        </div>
      </div>
      <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index]!;
          const isSelected = item.index === selectedIndex;
          return (
            <div
              key={item.key}
              role="row"
              aria-rowindex={item.index + 2}
              data-index={item.index}
              tabIndex={onOpen ? 0 : undefined}
              aria-current={isSelected ? 'true' : undefined}
              className={`absolute inset-x-0 grid items-center border-b border-line/60 px-3 -outline-offset-2 ${onOpen ? 'cursor-pointer hover:bg-hover' : ''} ${isSelected ? 'bg-accent-soft' : ''} ${onRow?.(row) ?? ''}`}
              style={{ gridTemplateColumns: template, height: rowPx, transform: `translateY(${item.start}px)` }}
              onKeyDown={(event) => move(event, item.index)}
              onClick={(event) => {
                // Links and buttons in a row do their own thing, and selecting text opens nothing.
                if ((event.target as Element).closest('a,button') || getSelection()?.toString()) return;
                onOpen?.(row);
              }}
            >
              {shown.map((column) => (
                <div key={column.key} role="cell" className="min-w-0 truncate pr-3">
                  {column.cell(row)}
                  {narrow && column.under ? (
                    <div className="truncate text-[12.5px] text-muted">{column.under(row)}</div>
                  ) : null}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}
