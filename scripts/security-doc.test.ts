import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** As in the source, where a quote may be escaped. */
const plain = (text: string) => text.replaceAll('\\', '');

const lines = readFileSync(join(ROOT, 'docs/security.md'), 'utf8').split('\n');
const named = lines.flatMap((line) => {
  const file = /^- `([^`]+\.test\.ts)`: /.exec(line)?.[1];
  return file ? [...line.matchAll(/“([^”]+)”/g)].map(([, name]) => [file, name!] as const) : [];
});

test('docs/security.md names tests', () => expect(named.length).toBeGreaterThan(80));

test.each([...new Set(named.map(([file]) => file))])('%s leaves none of its tests out', (file) => {
  const source = readFileSync(join(ROOT, file), 'utf8');
  expect(source).not.toMatch(/\b(?:it|test|describe)\.(?:skip|todo|only|fails)\b/);
});

test.each(named)('%s has “%s”', (file, name) => {
  const source = plain(readFileSync(join(ROOT, file), 'utf8'));
  expect(["'", '"', '`'].some((quote) => source.includes(`(${quote}${name}${quote}`))).toBe(true);
});
