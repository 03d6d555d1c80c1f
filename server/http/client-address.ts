/** Whose address a request comes from: the peer's, unless the peer is a proxy that the operator trusts. */
import { BlockList, isIP } from 'node:net';

/** Answers whether an address is one of the operator's proxies. */
export type TrustedProxies = (address: string) => boolean;

/** From CIDRs (`10.0.0.0/8`, `::1/128`) or single addresses. Throws RangeError naming the one that is neither. */
export function trustedProxies(cidrs: readonly string[]): TrustedProxies {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits] = cidr.split('/');
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    const prefix = bits === undefined ? most : Number(bits);
    if (!family || !Number.isInteger(prefix) || prefix < 0 || prefix > most || bits === '')
      throw new RangeError(`"${cidr}" is no address or CIDR`);
    list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
}

/**
 * Reads X-Forwarded-For from its right end: the first address that is not a trusted proxy's is the client's, since
 * everything left of it was written by somebody who may lie. Without a trusted peer the header counts for nothing.
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | undefined,
  trusted: TrustedProxies,
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
