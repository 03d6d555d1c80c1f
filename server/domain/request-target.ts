/**
 * The target of an HTTP request (RFC 9112, origin-form only), cut into decoded segments. One spelling per path:
 * whatever a proxy, Go's net/url and a web application behind a service could each read in their own way is refused
 * with a sentence. Pure.
 */

export type Target = {
  /** Written anew from the segments. */
  path: string;
  /** Decoded; a slash at the end leaves none. */
  segments: string[];
  /** As it came, with its `?`, or empty. */
  query: string;
  parameters: Map<string, string[]>;
};

// Kubernetes takes no longer target; node's header bound is above both.
const PATH_MAX = 8 * 1024;
const QUERY_MAX = 32 * 1024;

export function parseTarget(target: string): Target | { refused: string } {
  if (!target.startsWith('/'))
    return {
      refused: 'The request names a host in its target: the portal serves paths only, and forwards to nowhere else.',
    };
  const mark = target.indexOf('?');
  const rawPath = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? '' : target.slice(mark);
  if (rawPath.length > PATH_MAX) return { refused: `The path is longer than ${PATH_MAX} bytes.` };
  if (query.length > QUERY_MAX) return { refused: `The query is longer than ${QUERY_MAX} bytes.` };
  const fault = pathFault(rawPath) ?? queryFault(query);
  if (fault) return { refused: fault };

  const decoded = decode(rawPath);
  if (decoded === null) return { refused: 'The path is not UTF-8.' };
  const trailing = decoded.length > 1 && decoded.endsWith('/');
  const segments = decoded.split('/').slice(1, trailing ? -1 : undefined);
  if (decoded === '/') return { path: '/', segments: [], query, parameters: parametersOf(query) };
  if (segments.includes('')) return { refused: 'The path has an empty segment (//).' };
  if (segments.some((segment) => segment === '.' || segment === '..'))
    return { refused: 'The path has a segment of dots (. or ..), which would lead elsewhere.' };
  // Written anew it would come out the same where nothing in it is encoded: pathFault let no other character through.
  const path = rawPath.includes('%') ? `/${segments.map(encodeSegment).join('/')}${trailing ? '/' : ''}` : rawPath;
  return { path, segments, query, parameters: parametersOf(query) };
}

function pathFault(path: string): string | null {
  // RFC 3986 pchar and the slash; a backslash, a space, a quote or a byte beyond ASCII has no place unescaped.
  if (!/^[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*$/.test(path)) return 'The path has a character that must be percent-encoded.';
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return 'The path has a percent sign that encodes nothing.';
  if (/%2f|%5c/i.test(path)) return 'The path has an encoded slash, which the two ends may read differently.';
  if (/%25/.test(path)) return 'The path is encoded twice.';
  if (/%[01][0-9a-f]|%7f/i.test(path)) return 'The path has an encoded control character.';
  return null;
}

function queryFault(query: string): string | null {
  if (!/^[\x21-\x7e]*$/.test(query) || /[#"<>\\^`{|}]/.test(query))
    return 'The query has a character that must be percent-encoded.';
  if (/%(?![0-9A-Fa-f]{2})/.test(query)) return 'The query has a percent sign that encodes nothing.';
  // Go drops the pair, others split at it (CVE-2021-23336 and its kin).
  if (query.includes(';'))
    return 'The query has a semicolon, which some servers read as a separator: encode it as %3B.';
  if (decode(query) === null) return 'The query is not UTF-8.';
  return null;
}

function parametersOf(query: string): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const pair of query.slice(1).split('&')) {
    if (pair === '') continue;
    const [key = '', ...value] = pair.replaceAll('+', ' ').split('=');
    const name = decodeURIComponent(key);
    out.set(name, [...(out.get(name) ?? []), decodeURIComponent(value.join('='))]);
  }
  return out;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function encodeSegment(segment: string): string {
  // What RFC 3986 allows in a segment stays readable: names of RBAC objects are full of colons.
  return encodeURIComponent(segment).replace(/%(3A|40|24|26|2B|2C|3B|3D)/g, (escaped) => decodeURIComponent(escaped));
}
