/** What crosses, beside the usual, between a browser at an origin of the proxy domain and what answers there. */
import { isOurCookie, mayBeSet, withoutCookies } from '../domain/cookie-header.ts';
import type { KubeRequest } from '../domain/kube-request.ts';
import { atOrigin } from '../domain/service-origin.ts';

export interface Crossing {
  /** Headers to add to those that go up, as name and value in turn. `host` is the cluster's. */
  request(raw: readonly string[], request: KubeRequest, host: string): string[];
  /** The headers that come down, changed. */
  response(headers: readonly string[], request: KubeRequest): string[];
  /** Whether what is behind a proxy may send its browser there: unlike kubectl, one is safe to follow. */
  leadsOn(location: string): boolean;
}

/**
 * A web application has cookies of its own, which only it gets; its Origin, which was the origin's own, is the
 * cluster's address up there, or its check for pages of its own would fail. Of the API itself no cookie is anybody's.
 * @param prefix where its root is on the cluster; null where its path is the cluster's own.
 */
export function crossing(prefix: string | null): Crossing {
  return {
    request(raw, request, host) {
      if (request.subresource !== 'proxy') return [];
      const cookie = withoutCookies(headerOf(raw, 'cookie'), isOurCookie);
      const origin = headerOf(raw, 'origin');
      return [
        ...(cookie === undefined ? [] : ['cookie', cookie]),
        ...(origin === undefined ? [] : ['origin', `https://${host}`]),
      ];
    },
    response(headers, request) {
      const out: string[] = [];
      for (let at = 0; at + 1 < headers.length; at += 2) {
        const [name, value] = [headers[at]!, headers[at + 1]!];
        const lower = name.toLowerCase();
        if (lower === 'set-cookie' && !(request.subresource === 'proxy' && mayBeSet(value))) continue;
        out.push(name, lower === 'location' && prefix !== null ? atOrigin(prefix, value) : value);
      }
      return out;
    },
    leadsOn: (location) => prefix !== null && URL.canParse(location, 'https://origin.invalid') && isWeb(location),
  };
}

function isWeb(location: string): boolean {
  return /^https?:$/.test(new URL(location, 'https://origin.invalid').protocol);
}

function headerOf(raw: readonly string[], wanted: string): string | undefined {
  const values: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) if (raw[at]!.toLowerCase() === wanted) values.push(raw[at + 1]!);
  return values.length > 0 ? values.join('; ') : undefined;
}
