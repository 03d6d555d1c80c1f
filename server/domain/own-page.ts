/**
 * Whether a request at a service origin comes from a page of that origin, by what browsers say of it and no page can
 * change (Origin, RFC 6454; Fetch metadata, W3C). A cookie is sent by whoever makes the browser send it. Pure.
 */
import type { Refusal } from './kube-request.ts';

export type BrowserFacts = {
  method: string;
  upgrade: boolean;
  origin: string | undefined;
  /** `sec-fetch-site`, `-mode`, `-dest`. */
  site: string | undefined;
  mode: string | undefined;
  dest: string | undefined;
};

const READS = new Set(['GET', 'HEAD']);

/** Null: it comes from a page of `own`, or is a visit that only shows something. */
export function foreignPageRefusal(facts: BrowserFacts, own: string): Refusal | null {
  const { method, upgrade, origin, site } = facts;
  if (origin !== undefined && origin !== own && !(origin === 'null' && site === 'same-origin')) return foreign(origin);
  if (!READS.has(method) || upgrade) {
    // Browsers name the Origin here, or at least say that it is the same: else it is no page's request.
    return origin === own || site === 'same-origin' ? null : foreign(origin ?? site);
  }
  if (site === undefined || site === 'same-origin' || site === 'none') return null;
  // From elsewhere a person may only be led here, in a window of its own: neither framed nor fetched.
  return facts.mode === 'navigate' && facts.dest === 'document' ? null : foreign(origin ?? site);
}

/**
 * The same where a client certificate alone is the credential, which a browser that has one sends for whatever page asks.
 * Programs say nothing of it, or name the address that they call (websocket libraries do). Null: no page's request.
 * @param host as the request names it.
 */
export function ambientRefusal(
  { origin, site }: Pick<BrowserFacts, 'origin' | 'site'>,
  host: string | undefined,
): Refusal | null {
  const own = origin === undefined || (URL.parse(origin)?.host ?? origin) === host;
  return own && (site === undefined || site === 'same-origin' || site === 'none') ? null : foreign(origin ?? site);
}

function foreign(from: string | undefined): Refusal {
  const whence = from === undefined ? 'names no Origin' : `comes from elsewhere (${from.slice(0, 200)})`;
  return {
    code: 'cross-origin',
    status: 403,
    message: `This request ${whence}, not from a page of this address.`,
  };
}
