/** Whose address a request comes from: the peer's, unless the peer is a proxy that the operator trusts. */
import { isIP } from 'node:net';
import type { AddressRanges } from '../address-ranges.ts';

/**
 * Reads X-Forwarded-For from its right end: the first address that is not a trusted proxy's is the client's, since
 * everything left of it was written by somebody who may lie. Without a trusted peer the header counts for nothing.
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | undefined,
  trusted: AddressRanges,
): string {
  let address = plain(peer ?? '');
  if (!forwardedFor || !trusted(address)) return address;
  for (const hop of forwardedFor.split(',').toReversed()) {
    const next = plain(hop.trim());
    if (!isIP(next)) return address;
    address = next;
    if (!trusted(address)) return address;
  }
  return address;
}

/** An IPv4 address that arrived over IPv6 (`::ffff:1.2.3.4`) is that IPv4 address. */
function plain(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped ? mapped[1]! : address;
}
