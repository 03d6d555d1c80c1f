import { describe, expect, it } from 'vitest';
import { Problem } from './problem.ts';
import { chooseRole, reachingRoles } from './role-choice.ts';

const roles = [
  { name: 'developer', clusterRoles: ['edit'], groups: ['devs'] },
  { name: 'admin', clusterRoles: ['cluster-admin'], groups: ['ops'] },
  { name: 'auditor', clusterRoles: [], groups: ['audit'] },
];
const names = (groups: string[]) => reachingRoles(groups, roles).map((role) => role.name);

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
  return 'none';
}

describe('reachingRoles', () => {
  it.each([
    [['devs'], ['developer']],
    [
      ['ops', 'devs'],
      ['admin', 'developer'],
    ],
    [['audit'], []],
    [[], []],
  ])('%j', (groups, expected) => expect(names(groups)).toEqual(expected));
});

describe('chooseRole', () => {
  it('takes the only one, or the one named', () => {
    expect(chooseRole(reachingRoles(['devs'], roles), 'c').name).toBe('developer');
    expect(chooseRole(reachingRoles(['devs', 'ops'], roles), 'c', 'admin').name).toBe('admin');
  });
  it('refuses by name', () => {
    expect(codeOf(() => chooseRole([], 'c'))).toBe('cluster-not-reachable');
    expect(codeOf(() => chooseRole(reachingRoles(['devs'], roles), 'c', 'admin'))).toBe('role-not-yours');
    expect(codeOf(() => chooseRole(reachingRoles(['devs', 'ops'], roles), 'c'))).toBe('role-ambiguous');
  });
});
