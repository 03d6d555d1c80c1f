/** Headers that are one connection's, which no proxy passes on (RFC 9110, 7.6.1). */
const names = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Never taken out by being named: a request would be framed or read otherwise (CVE-2025-48865). */
const KEPT = new Set(['content-length', 'content-type']);

/**
 * Says which headers stay with the connection: the known ones, and those that its `Connection` headers name. Takes the
 * values of these; the predicate takes lower-case names.
 */
export function staysWithConnection(connection: readonly string[]): (name: string) => boolean {
  if (connection.every(namesNone)) return isKnown;
  const named = new Set(connection.flatMap((value) => value.split(',').map((name) => name.trim().toLowerCase())));
  return (name) => names.has(name) || (named.has(name) && !KEPT.has(name));
}

const isKnown = (name: string): boolean => names.has(name);

/** What nearly every client and server says of a connection: how long it lasts, and no header. */
function namesNone(value: string): boolean {
  const option = value.toLowerCase();
  return option === 'keep-alive' || option === 'close';
}
