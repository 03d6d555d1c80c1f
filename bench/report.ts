/** The same figures as a table for people and for docs/performance.md. */
import type { Figure, Target } from './figure.ts';

const START = '<!-- figures -->';
const END = '<!-- /figures -->';

/** A Markdown table, padded so that it also reads well in a terminal. */
export function table(figures: readonly Figure[]): string {
  const rows = [
    ['figure', 'ours', 'peer', 'ratio', 'target', 'holds'],
    ...figures.map((figure) => [
      figure.name,
      amount(figure.ours, figure.unit),
      figure.peer === null ? '–' : `${amount(figure.peer, figure.unit)} (${figure.peerName})`,
      figure.ratio === null ? '–' : `${figure.ratio.toFixed(2)}×`,
      target(figure.target, figure.unit),
      verdict(figure),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('\n');
}

/** The document with the table between its two markers replaced. Throws where the markers are missing. */
export function withTable(document: string, text: string): string {
  const start = document.indexOf(START);
  const end = document.indexOf(END);
  if (start < 0 || end < start) throw new Error(`the document lacks the markers ${START} and ${END}`);
  return `${document.slice(0, start + START.length)}\n\n${text}\n\n${document.slice(end)}`;
}

/** Units are decimal (1 MB = 10^6 bytes); three significant digits say what five rounds can say. */
export function amount(value: number, unit: string): string {
  const digits = value !== 0 && Math.abs(value) < 1 ? 2 : Math.abs(value) < 100 ? 1 : 0;
  return `${value.toFixed(digits)} ${unit}`;
}

function target(bound: Target, unit: string): string {
  switch (bound.kind) {
    case 'none':
      return '–';
    case 'ratio-at-most':
      return `≤ ${bound.value}×`;
    case 'ratio-at-least':
      return `≥ ${bound.value}×`;
    case 'at-most':
      return `≤ ${amount(bound.value, unit)}`;
  }
}

function verdict(figure: Figure): string {
  if (figure.holds) return figure.target.kind === 'none' ? '–' : 'yes';
  return figure.proof && !figure.proof.ok ? `no: not ${figure.proof.what}` : 'no';
}
