/** What the documents say of the code, held against the code: rooms and their imports, error codes. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorFiles, errorIndex } from './error-index.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const sources = globSync('{app,bench,cli/src,db,deploy,e2e,protocol,sandbox,scripts,server}/**/*.{ts,tsx,mjs}', {
  cwd: root,
  exclude: ['**/node_modules', '**/.next'],
}).filter((path) => !/\.test\.ts$|\.harness\.ts$|\.fixture\.ts$/.test(path));

/** Rows of a table in a document, cell by cell, by the names in backticks of the first. */
function table(path: string, heading: string): { names: string[]; cells: string[] }[] {
  const section = read(path).split(`## ${heading}\n`)[1]!.split('\n## ')[0]!;
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((row) => {
    const cells = row.split('|').map((cell) => cell.trim());
    return { names: names(cells[1]!), cells: cells.slice(2, -1) };
  });
}

function names(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
}

describe('docs/architecture.md', () => {
  const rooms = table('docs/architecture.md', 'Rooms');
  const paths = rooms.flatMap((room) => room.names).toSorted((a, b) => b.length - a.length);
  const roomOf = (path: string) => paths.find((room) => path.startsWith(room));

  test('each source file has a room', () => {
    expect(sources.filter((path) => !roomOf(path))).toEqual([]);
  });

  test('each room imports what is drawn, and nothing else', () => {
    const found = new Map<string, Set<string>>();
    for (const path of sources)
      for (const [, target] of read(path).matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)) {
        const [from, to] = [roomOf(path)!, roomOf(normalize(join(dirname(path), target!)))];
        if (to && from !== to) found.set(from, (found.get(from) ?? new Set()).add(to));
      }
    const drawn = rooms.flatMap((room) => room.names.map((name) => [name, names(room.cells[1]!).toSorted()]));
    const real = drawn.map(([name]) => [name, [...(found.get(name as string) ?? [])].toSorted()]);
    const anything = (name: unknown) => rooms.find((room) => room.names.includes(name as string))!.cells[1] === 'any';
    expect(real.filter(([name]) => !anything(name))).toEqual(drawn.filter(([name]) => !anything(name)));
  });
});

describe('docs/errors/', () => {
  /** `new Problem('code', …`, `super('code', …` of its kinds, `refuse('code', …`, `{ code: 'code', status: …`. */
  const CODE = /(?:new Problem|\bsuper|\brefuse)\(\s*'([a-z-]+)',\s*(?:[\w.]+),|code: '([a-z-]+)',\s*status: \d/g;
  const used = new Set(
    sources
      .filter((path) => /^(server|sandbox|db)\//.test(path) && !path.startsWith('sandbox/host/'))
      .flatMap((path) => [...read(path).matchAll(CODE)].map((match) => match[1] ?? match[2]!)),
  );
  const files = errorFiles();

  test('each code that is answered with has its file, and no other', () => {
    expect(used.size).toBeGreaterThan(100);
    expect(files.map(({ code }) => code).toSorted()).toEqual([...used].toSorted());
  });

  test('the index is made of the files: node scripts/error-index.ts', () => {
    // The formatter aligns columns.
    const plain = (text: string) => text.replace(/ +/g, ' ').replace(/-{3,}/g, '---');
    expect(plain(read('docs/errors/README.md'))).toBe(plain(errorIndex(files)));
  });
});
