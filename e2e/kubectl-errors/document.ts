/** The tables of docs/errors/kubectl.md, held against what was measured; written anew where that is asked for. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { KUBECTL_VERSIONS, type KubectlVersion } from '../cluster/kubectl.ts';

const FILE = join(import.meta.dirname, '../../docs/errors/kubectl.md');
/** Set to write what the full round measured; formatting is oxfmt's. */
const WRITES = process.env['SALLYPORT_TEST_WRITE_DOCUMENTS'] !== undefined;

/** Whether the long rounds run in full: with every version. */
export const FULL = process.env['SALLYPORT_ROUNDS'] === 'full';
export const MEASURED: readonly KubectlVersion[] = FULL ? KUBECTL_VERSIONS : ['1.36'];

/** A row: its first cells, which name it, and a cell for each version that was measured. */
export type Row = { names: string[]; cells: Partial<Record<KubectlVersion, string>> };

/** Rows of what was met, by the versions that met it. */
export class Met {
  readonly #rows = new Map<string, Row>();

  add(version: KubectlVersion, ...names: string[]): void {
    const row = this.#rows.get(names.join(' | ')) ?? { names, cells: {} };
    row.cells[version] = 'yes';
    this.#rows.set(names.join(' | '), row);
  }

  get rows(): Row[] {
    return [...this.#rows.values()];
  }
}

/**
 * Throws where the table below that heading says something else. In the full round it has these rows and no other;
 * in a sample what was measured is among what it says, by `fits` of a documented and a measured cell.
 */
export function holds(
  heading: string,
  columns: string[],
  rows: readonly Row[],
  fits: (documented: string, measured: string) => boolean = (documented, measured) => documented === measured,
): void {
  if (FULL) {
    const table = tableOf(columns, rows);
    if (WRITES) write(heading, table);
    expect(section(heading)).toEqual(linesOf(table));
    return;
  }
  const documented = new Map(section(heading).map((line) => cellsOf(line, columns.length)));
  for (const { names, cells } of rows)
    for (const [version, measured] of Object.entries(cells)) {
      const said = documented.get(names.join(' | '))?.[KUBECTL_VERSIONS.indexOf(version as KubectlVersion)];
      expect(
        said !== undefined && fits(said, measured),
        `${names.join(', ')}, ${version}: ${measured}, not ${said}`,
      ).toBe(true);
    }
}

function tableOf(columns: string[], rows: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  const head = [...columns, ...KUBECTL_VERSIONS];
  return [
    line(head),
    line(head.map(() => '---')),
    ...rows.map(({ names, cells }) => line([...names, ...KUBECTL_VERSIONS.map((version) => cells[version] ?? '')])),
  ].join('');
}

/** What names a row, and its other cells. */
function cellsOf(line: string, names: number): [string, string[]] {
  const cells = line.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, ''));
  return [cells.slice(0, names).join(' | '), cells.slice(names)];
}

/** Of a table, without the formatter's columns. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---'));
}

function section(heading: string): string[] {
  const text = readFileSync(FILE, 'utf8').split(`\n## ${heading}\n`)[1];
  return text === undefined ? [] : linesOf(text.split('\n## ')[0]!);
}

function write(heading: string, table: string): void {
  const text = readFileSync(FILE, 'utf8');
  const [before, after] = text.split(`\n## ${heading}\n`);
  if (after === undefined) throw new Error(`docs/errors/kubectl.md has no section "${heading}"`);
  const [own, ...rest] = after.split('\n## ');
  const kept = own!.replace(/(\n\|.*)+/, `\n${table.trimEnd()}`);
  writeFileSync(FILE, `${before}\n## ${heading}\n${[kept, ...rest].join('\n## ')}`);
}
