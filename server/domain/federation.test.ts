import { describe, expect, test } from 'vitest';
import { matchTrust, trustFault, type Claims, type NewTrust, type TrustRule } from './federation.ts';

const trust: TrustRule = {
  id: '0b0f5c57-4c9e-4f0e-9d4e-3c1a7f7b2a10',
  name: 'acme-deploy',
  audience: 'https://portal.example',
  ownerClaim: 'repository_owner',
  ownerValue: 'acme',
  conditions: [
    { claim: 'repository', pattern: 'acme/shop-*' },
    { claim: 'ref', pattern: 'refs/heads/main' },
  ],
};
const claims: Claims = {
  aud: 'https://portal.example',
  sub: 'repo:acme/shop-web:ref:refs/heads/main',
  repository: 'acme/shop-web',
  repository_owner: 'acme',
  ref: 'refs/heads/main',
};

test('a token that fits is matched; an audience may stand in a list of one', () => {
  expect(matchTrust([trust], claims)).toEqual({ trust });
  expect(matchTrust([trust], { ...claims, aud: ['https://portal.example'] })).toEqual({ trust });
});

/** What a job of somebody else may bring in a token that its issuer signs. */
const attacks: [what: string, change: Claims, misfit: string][] = [
  ['another owner', { repository_owner: 'evil' }, 'repository_owner'],
  ['an owner that begins like ours', { repository_owner: 'acme-evil' }, 'repository_owner'],
  ['an owner that ends like ours', { repository_owner: 'not-acme' }, 'repository_owner'],
  ['an owner in another case', { repository_owner: 'ACME' }, 'repository_owner'],
  ['an owner with a space', { repository_owner: 'acme ' }, 'repository_owner'],
  ['an owner in another alphabet', { repository_owner: 'аcme' }, 'repository_owner'],
  ['an owner that is a star', { repository_owner: '*' }, 'repository_owner'],
  ['an owner in a list', { repository_owner: ['acme'] }, 'repository_owner'],
  ['owners in a list', { repository_owner: ['evil', 'acme'] }, 'repository_owner'],
  ['an owner that is an object', { repository_owner: { acme: true } }, 'repository_owner'],
  ['no owner', { repository_owner: undefined }, 'repository_owner'],
  ['an empty owner', { repository_owner: '' }, 'repository_owner'],
  ['our repository’s name with another owner', { repository: 'evil/shop-web' }, 'repository'],
  ['our pattern in the middle', { repository: 'evil/acme/shop-web' }, 'repository'],
  ['a repository too long to be one', { repository: `acme/shop-${'x'.repeat(2_000)}` }, 'repository'],
  ['a pull request', { ref: 'refs/pull/7/merge' }, 'ref'],
  ['a tag that is called like the branch', { ref: 'refs/tags/main' }, 'ref'],
  ['a branch below ours', { ref: 'refs/heads/main/evil' }, 'ref'],
  ['a line break after our branch', { ref: 'refs/heads/main\n' }, 'ref'],
  ['a ref that is a number', { ref: 0 }, 'ref'],
  ['the audience of another portal', { aud: 'https://portal.example.evil.test' }, 'aud'],
  ['our audience with a slash', { aud: 'https://portal.example/' }, 'aud'],
  ['several audiences, ours among them', { aud: ['https://portal.example', 'https://evil.test'] }, 'aud'],
  ['no audience', { aud: undefined }, 'aud'],
  ['an audience in a list in a list', { aud: [['https://portal.example']] }, 'aud'],
];

test.each(attacks)('%s is not taken', (_what, change, misfit) => {
  expect(matchTrust([trust], { ...claims, ...change })).toEqual({
    refused: 'none',
    misfits: [{ trust: 'acme-deploy', why: misfit }],
  });
});

test('a claim that every object has is no claim', () => {
  const rule = { ...trust, ownerClaim: 'constructor', conditions: [] };
  expect(matchTrust([rule], claims)).toMatchObject({ refused: 'none' });
});

describe('several trusts', () => {
  const other = { ...trust, id: '1c1f5c57-4c9e-4f0e-9d4e-3c1a7f7b2a11', name: 'acme-read' };
  const foreign = { ...trust, id: '2d2f5c57-4c9e-4f0e-9d4e-3c1a7f7b2a12', name: 'evil', ownerValue: 'evil' };

  test('two that fit are refused, unless the caller says which', () => {
    expect(matchTrust([trust, other], claims)).toEqual({ refused: 'several', names: ['acme-deploy', 'acme-read'] });
    expect(matchTrust([trust, other], claims, 'acme-read')).toEqual({ trust: other });
    expect(matchTrust([trust, other], claims, other.id.toUpperCase())).toEqual({ trust: other });
  });

  test('naming one makes nothing fit that does not', () => {
    expect(matchTrust([trust, foreign], claims, 'evil')).toMatchObject({ refused: 'none' });
    expect(matchTrust([trust], claims, 'unknown')).toEqual({ refused: 'none', misfits: [] });
  });

  test('one that does not fit is in nobody’s way', () => {
    expect(matchTrust([foreign, trust], claims)).toEqual({ trust });
  });
});

const fine: NewTrust = {
  issuer: 'https://token.actions.githubusercontent.com',
  audience: 'https://portal.example',
  ownerClaim: 'repository_owner',
  ownerValue: 'acme',
  conditions: [{ claim: 'ref', pattern: 'refs/heads/*' }],
};

test.each([
  fine,
  { ...fine, issuer: 'https://token.actions.githubusercontent.com/acme', ownerClaim: 'enterprise' },
  { ...fine, issuer: 'https://gitlab.com', ownerClaim: 'namespace_path' },
  { ...fine, issuer: 'https://ci.example:8443/tenant', ownerClaim: 'sub' },
  { ...fine, issuer: 'https://tenant.eu.auth0.com/', ownerClaim: 'sub' },
  { ...fine, conditions: [{ claim: 'sub', pattern: 'repo:acme/shop:ref:refs/heads/main' }] },
])('may be made: %j', (wish) => {
  expect(trustFault(wish)).toBeNull();
});

test.each<[string, Partial<NewTrust>]>([
  ['an issuer by http', { issuer: 'http://ci.example' }],
  ['an issuer with a query', { issuer: 'https://ci.example/?tenant=1' }],
  ['an issuer with an empty query', { issuer: 'https://ci.example/?' }],
  ['an issuer with a user', { issuer: 'https://a:b@ci.example' }],
  ['an issuer with dots', { issuer: 'https://ci.example/a/../b' }],
  ['an issuer in capitals', { issuer: 'https://CI.example' }],
  ['an issuer with its default port', { issuer: 'https://ci.example:443' }],
  ['a file', { issuer: 'file:///etc/passwd' }],
  ['no owner: who started the job', { ownerClaim: 'actor' }],
  ['no owner: the audience', { ownerClaim: 'aud' }],
  ['no owner: the issuer’s own name', { ownerClaim: 'iss' }],
  ['no owner at GitHub: sub', { ownerClaim: 'sub', ownerValue: 'repo:acme/shop:ref:refs/heads/main' }],
  ['no owner at GitLab: a user', { issuer: 'https://gitlab.com', ownerClaim: 'user_login' }],
  ['an owner with a glob', { ownerValue: 'acme*' }],
  ['every owner', { ownerValue: '*' }],
  ['a glob over sub', { conditions: [{ claim: 'sub', pattern: 'repo:acme/*:ref:refs/heads/main' }] }],
  ['an audience as a condition', { conditions: [{ claim: 'aud', pattern: '*' }] }],
])('may not be made: %s', (_what, change) => {
  expect(trustFault({ ...fine, ...change })).toMatch(/\.$/);
});
