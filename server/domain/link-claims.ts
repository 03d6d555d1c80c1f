/**
 * The claims of a link that an operator's own program signed: the same as a link's that the portal makes, within the limits
 * of the key that signed it. Pure; who signed it has been proven.
 */
import { LINK_VERBS } from './link-grant.ts';
import type { Refusal } from './kube-request.ts';

/** What a key's links may be at most. Paths are held against each call besides (link-grant.ts). */
export type LinkKeyLimits = {
  cluster: { id: string; name: string };
  verbs: readonly string[];
  longestMs: number;
  /** Null: as often as one likes. */
  usesMax: number | null;
};

export type LinkClaims = {
  /** `jti`: with the key it is which link this is. */
  id: string;
  name: string;
  paths: string[];
  verbs: string[];
  notBefore: Date;
  expiresAt: Date;
  uses: number | null;
  /** Email of the only person who may open it; null: whoever holds it. */
  recipient: string | null;
  landing: string;
};

const HOUR_MS = 3_600_000;
/** Clocks of two machines differ. */
const SKEW_MS = 30_000;
const ID = /^[!-~]{1,128}$/;
const PATH = /^\/[!-~]{0,1023}$/;
/** Whose it is, the portal looks up. */
const EMAIL = /^(?=.{3,254}$)[^\s@]+@[^\s@]+$/;
const LANDING = /^\/(?![/\\])[!-~]{0,2047}$/;

/**
 * @param claims of the token (RFC 7519): `jti`, `iat`, `paths`; `verbs` (`["get"]`), `nbf`, `exp` or `duration` (seconds; an
 * hour, from `nbf` or `iat` on), `uses`, `recipient`, `cluster`, `name`, `landing`. Others are refused rather than passed over:
 * one that narrows it might be among them.
 */
export function readLinkClaims(
  claims: Record<string, unknown>,
  limits: LinkKeyLimits,
  now: Date,
): LinkClaims | { refused: Refusal } {
  const {
    jti,
    iat,
    nbf,
    exp,
    duration,
    paths,
    verbs = ['get'],
    uses,
    recipient,
    cluster,
    name = 'by a key',
    landing = '/',
    ...rest
  } = claims;
  const { aud: _aud, iss: _iss, ...unknown } = rest;
  const [other] = Object.keys(unknown);
  if (other !== undefined) return wrong(`the claim "${other.slice(0, 64)}" is unknown`);
  if (typeof jti !== 'string' || !ID.test(jti)) return wrong('"jti" has to be 1 to 128 printable characters');
  if (!isSeconds(iat)) return wrong('"iat" is missing, or no time in seconds');
  if (iat * 1000 > now.getTime() + SKEW_MS) return wrong('"iat" is in the future');
  if (nbf !== undefined && !isSeconds(nbf)) return wrong('"nbf" is no time in seconds');
  if (exp !== undefined && !isSeconds(exp)) return wrong('"exp" is no time in seconds');
  if (duration !== undefined && !(isSeconds(duration) && Number.isInteger(duration)))
    return wrong('"duration" has to be a whole number of seconds');
  if (exp !== undefined && duration !== undefined) return wrong('"exp" and "duration" are there together');
  if (!isTexts(paths, 50, (path) => PATH.test(path))) return wrong('"paths" have to be 1 to 50 paths');
  if (!isTexts(verbs, LINK_VERBS.length, (verb) => (LINK_VERBS as readonly string[]).includes(verb)))
    return wrong(`"verbs" have to be of ${LINK_VERBS.join(', ')}`);
  if (uses !== undefined && !(Number.isInteger(uses) && (uses as number) >= 1 && (uses as number) <= 1_000_000))
    return wrong('"uses" has to be a whole number from 1');
  if (recipient !== undefined && !(typeof recipient === 'string' && EMAIL.test(recipient)))
    return wrong('"recipient" is no email');
  if (typeof name !== 'string' || !/^[^\p{Cc}\p{Zl}\p{Zp}]{1,100}$/u.test(name))
    return wrong('"name" is no line of text');
  if (typeof landing !== 'string' || !LANDING.test(landing)) return wrong('"landing" is no path');

  const from = Math.max(iat, nbf ?? 0) * 1000;
  const lasts = duration === undefined ? Math.min(HOUR_MS, limits.longestMs) : duration * 1000;
  const until = exp === undefined ? from + lasts : exp * 1000;
  if (until <= from) return wrong('"exp" is not after "nbf" and "iat"');
  if (cluster !== undefined && cluster !== limits.cluster.name && cluster !== limits.cluster.id)
    return past(`links for the cluster "${limits.cluster.name}" alone`);
  if (until - from > limits.longestMs) return past(`links that work for ${limits.longestMs / 60_000} minutes at most`);
  const verb = verbs.find((one) => !limits.verbs.includes(one));
  if (verb !== undefined) return past(`links for ${limits.verbs.join(', ')}, and not to ${verb}`);
  if (limits.usesMax !== null && (uses === undefined || (uses as number) > limits.usesMax))
    return past(`links that are used ${limits.usesMax} times at most, and say so`);
  return {
    id: jti,
    name,
    paths,
    verbs,
    notBefore: new Date(from),
    expiresAt: new Date(until),
    uses: (uses as number | undefined) ?? null,
    recipient: recipient ?? null,
    landing,
  };
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 && value < 1e11;
}

function isTexts(value: unknown, most: number, fits: (text: string) => boolean): value is string[] {
  return (
    Array.isArray(value) &&
    value.length >= 1 &&
    value.length <= most &&
    value.every((one) => typeof one === 'string' && fits(one))
  );
}

function wrong(what: string): { refused: Refusal } {
  const message = `This link is signed by a key of this portal's, but ${what}. Whoever signs links can mend it.`;
  return { refused: { code: 'token-invalid', status: 401, message } };
}

function past(what: string): { refused: Refusal } {
  const message = `The key that signed this link may sign ${what}. Whoever signs links, or an administrator, can mend it.`;
  return { refused: { code: 'link-past-limits', status: 403, message } };
}
