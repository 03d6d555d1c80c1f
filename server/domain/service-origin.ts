/**
 * Addresses of the proxy domain: each service or pod that is used in the browser, and each link, has an origin of its
 * own, `<label>.<proxy domain>`, so that nothing a cluster serves shares one with the portal or with another. Pure.
 */

/** `https://*.apps.example`, as scheme, domain and what a port adds to it (`:8080`, or empty). */
export type ProxyDomain = { scheme: 'http' | 'https'; domain: string; port: string };

/** What answers at a service origin: a service or a pod, by the name that the proxy subresource takes. */
export type ServiceTarget = {
  kind: 'service' | 'pod';
  namespace: string;
  name: string;
  /** A number, or a service's name for it; null: the service's only one, where that has no name; the pod's first. */
  port: string | null;
  /** How it is spoken to there. */
  scheme: 'http' | 'https';
};

/** Under this every origin has pages of the portal's own: entry, and a link's first page. */
export const ENTRY_PATH = '/.sallyport/';

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The label that a Host header names; null: it is no address of the proxy domain.
 * @param portal its own host, which may lie in that domain too.
 */
export function labelOf(host: string | undefined, { domain, port }: ProxyDomain, portal: string): string | null {
  const name = (host ?? '').toLowerCase();
  const end = `.${domain}${port}`;
  if (!name.endsWith(end) || name === portal) return null;
  const label = name.slice(0, -end.length);
  return LABEL.test(label) ? label : null;
}

export function originOf(label: string, { scheme, domain, port }: ProxyDomain): string {
  return `${scheme}://${label}.${domain}${port}`;
}

/**
 * One service of one cluster for one person: what they have in the browser's storage there is nobody else's.
 * @param hash of person, cluster and target; hexadecimal, at least ten digits of it.
 */
export function serviceLabel({ name, namespace }: ServiceTarget, hash: string): string {
  const words = `${name}-${namespace}`.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return `${words.slice(0, 48).replace(/^-+|-+$/g, '')}-${hash.slice(0, 10)}`;
}

const LINK = 'link-';

/** A link's own; `id` is its session's, a UUID. */
export function linkLabel(id: string): string {
  return `${LINK}${id.replaceAll('-', '')}`;
}

/** Whether a label could be a link's. */
export function isLinkLabel(label: string): boolean {
  return /^link-[0-9a-f]{32}$/.test(label);
}

/** Where a target's root is on the cluster's API. */
export function proxyPath({ kind, namespace, name, port, scheme }: ServiceTarget): string {
  // `https:name:port`; the scheme is named with a port, or an empty one.
  const spelled = scheme === 'https' ? `https:${name}:${port ?? ''}` : port === null ? name : `${name}:${port}`;
  return `/api/v1/namespaces/${namespace}/${kind}s/${spelled}/proxy`;
}

/**
 * A request's target at a service origin, as the cluster's. The API server writes its own path before the addresses in
 * the pages that it proxies (k8s.io/apimachinery, pkg/util/proxy/transport.go), so a target may have it already.
 */
export function onCluster(prefix: string, target: string): string {
  return target === prefix || target.startsWith(`${prefix}/`) || target.startsWith(`${prefix}?`)
    ? target
    : prefix + target;
}

/** The other way round, for `Location`: what the API server put before it is taken off. */
export function atOrigin(prefix: string, location: string): string {
  if (location === prefix) return '/';
  return location.startsWith(`${prefix}/`) ? location.slice(prefix.length) : location;
}
