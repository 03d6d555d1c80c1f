import { expect, test } from 'vitest';
import { byRecency, matching } from './start-order.ts';

const clusters = ['edge-2', 'core', 'edge-1'].map((name) => ({
  name,
  roles: ['developer'],
  production: name === 'core',
}));
const names = (list: { name: string }[]) => list.map(({ name }) => name);

test('recently used first, the rest by name', () => {
  expect(names(byRecency(clusters, ['edge-2', 'gone']))).toEqual(['edge-2', 'core', 'edge-1']);
  expect(names(byRecency(clusters, []))).toEqual(['core', 'edge-1', 'edge-2']);
});

test('every typed word must be there', () => {
  expect(names(matching(clusters, 'EDGE dev'))).toEqual(['edge-2', 'edge-1']);
  expect(names(matching(clusters, 'production'))).toEqual(['core']);
  expect(matching(clusters, 'edge nothing')).toEqual([]);
});
