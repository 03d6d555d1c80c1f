/**
 * Which trust an id token of a CI job fits: one issuer signs for all of its customers, so a trust names one of them to
 * the letter. Pure; that the token is the issuer's own, and of now, is known before this is asked.
 */
import { matchesName } from './glob.ts';

export type TrustRule = {
  id: string;
  name: string;
  audience: string;
  ownerClaim: string;
  ownerValue: string;
  /** All of them have to fit. */
  conditions: { claim: string; pattern: string }[];
};

export type Claims = Record<string, unknown>;

/** Why a trust does not fit, for the audit log: the one who asks is told that none did. */
export type Misfit = { trust: string; why: string };
export type Match<T> = { trust: T } | { refused: 'none'; misfits: Misfit[] } | { refused: 'several'; names: string[] };

/** Of a claim; longer ones are somebody's attempt. */
const LONGEST = 1_024;

/** @param named a trust's name or id, where the caller says which it means. */
export function matchTrust<T extends TrustRule>(trusts: readonly T[], claims: Claims, named?: string): Match<T> {
  const asked =
    named === undefined ? trusts : trusts.filter(({ id, name }) => name === named || id === named.toLowerCase());
  const misfits: Misfit[] = [];
  const fitting: T[] = [];
  for (const trust of asked) {
    const why = misfitOf(trust, claims);
    if (why === null) fitting.push(trust);
    else misfits.push({ trust: trust.name, why });
  }
  const [first, ...others] = fitting;
  if (!first) return { refused: 'none', misfits };
  // Which of two service users a job becomes must not hang on an order that nobody chose.
  if (others.length > 0) return { refused: 'several', names: fitting.map(({ name }) => name) };
  return { trust: first };
}

function misfitOf(trust: TrustRule, claims: Claims): string | null {
  // A token for several could be handed on by each of them.
  const aud = claims['aud'];
  const audience = Array.isArray(aud) && aud.length === 1 ? (aud[0] as unknown) : aud;
  if (audience !== trust.audience) return 'aud';
  if (textOf(claims, trust.ownerClaim) !== trust.ownerValue) return trust.ownerClaim;
  for (const { claim, pattern } of trust.conditions) {
    const value = textOf(claims, claim);
    if (value === undefined || !matchesName(pattern, value)) return claim;
  }
  return null;
}

/** Text alone: a list that holds the name, or a number that is written like it, is another thing. */
function textOf(claims: Claims, name: string): string | undefined {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  return typeof value === 'string' && value !== '' && value.length <= LONGEST ? value : undefined;
}

/** They say when a token was made, for whom, who started its job, or where: none of them whose job it is. */
const NO_OWNERS = new Set(
  (
    'iss aud exp iat nbf jti azp nonce auth_time at_hash typ ' +
    'actor actor_id triggering_actor event_name ref ref_type base_ref head_ref environment environment_protected ' +
    'runner_environment run_id run_number run_attempt workflow workflow_ref job_workflow_ref sha repository_visibility ' +
    'user_id user_login user_email user_access_level pipeline_id pipeline_source job_id ref_protected ref_path ' +
    'runner_id project_visibility deployment_tier groups_direct'
  ).split(' '),
);

/** Where everybody may have jobs, it is known which claims name their owner. */
const OWNERS_AT: { issuer: RegExp; claims: string[] }[] = [
  {
    // With a path where an enterprise has an issuer of its own.
    issuer: /^https:\/\/token\.actions\.githubusercontent\.com(\/|$)/,
    claims: ['repository_owner_id', 'repository_owner', 'repository_id', 'repository', 'enterprise_id', 'enterprise'],
  },
  {
    issuer: /^https:\/\/gitlab\.com\/?$/,
    claims: ['namespace_id', 'namespace_path', 'project_id', 'project_path'],
  },
];

export type NewTrust = Pick<TrustRule, 'audience' | 'ownerClaim' | 'ownerValue' | 'conditions'> & { issuer: string };

/** Why such a trust would let in more than it says; null where it may be made. A sentence for people. */
export function trustFault({ issuer, ownerClaim, ownerValue, conditions }: NewTrust): string | null {
  if (!isIssuer(issuer))
    return 'The issuer is an https address without user, query or fragment, as it stands in "iss".';
  if (NO_OWNERS.has(ownerClaim)) return `The claim ${ownerClaim} does not say whose job it is.`;
  const known = OWNERS_AT.find((one) => one.issuer.test(issuer));
  if (known && !known.claims.includes(ownerClaim))
    return `At ${issuer} everybody has jobs: the owner is named by ${known.claims.join(', ')}.`;
  if (ownerValue.includes('*')) return 'The owner is named to the letter, without a *.';
  // `repo:acme/*:ref:refs/heads/main` is also `repo:acme/x:environment:y:ref:refs/heads/main`.
  if (conditions.some(({ claim, pattern }) => claim === 'sub' && pattern.includes('*')))
    return 'The claim sub is put together of others: name those, or sub to the letter, without a *.';
  if (conditions.some(({ claim }) => claim === 'aud' || claim === 'iss'))
    return 'Audience and issuer have fields of their own.';
  return null;
}

function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash, href } = new URL(text);
  const plain = protocol === 'https:' && !username && !password && !search && !hash && !/[?#]/.test(text);
  // One spelling only: what is compared as text must not have two.
  return plain && (href === text || href === `${text}/`);
}
