import { expect, test } from 'vitest';
import { parseSort, sortRows, type Column } from './table.tsx';

type Row = { name: string; size: number };
const columns: Column<Row>[] = [
  { key: 'name', header: 'Name', width: '1fr', cell: (row) => row.name, sort: (row) => row.name },
  { key: 'size', header: 'Size', width: '1fr', cell: (row) => row.size, sort: (row) => row.size },
  { key: 'plain', header: 'Plain', width: '1fr', cell: () => null },
];
const rows = [
  { name: 'b', size: 2 },
  { name: 'a', size: 10 },
  { name: 'c', size: 1 },
];
const names = (sort: string | null) => sortRows(rows, columns, parseSort(sort)).map((row) => row.name);

test('numbers in names count as numbers', () => {
  const list = ['n-10', 'n-9'].map((name) => ({ name, size: Infinity }));
  expect(sortRows(list, columns, parseSort('name')).map((row) => row.name)).toEqual(['n-9', 'n-10']);
  expect(sortRows(list, columns, parseSort('size'))).toEqual(list);
});

test.each([
  ['name', ['a', 'b', 'c']],
  ['-name', ['c', 'b', 'a']],
  ['size', ['c', 'b', 'a']],
  ['-size', ['a', 'b', 'c']],
  [null, ['b', 'a', 'c']],
  ['plain', ['b', 'a', 'c']],
  ['nothing', ['b', 'a', 'c']],
])('sorting by %j', (sort, expected) => expect(names(sort)).toEqual(expected));
