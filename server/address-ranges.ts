/** The operator's lists of networks. */
import { BlockList, isIP } from 'node:net';

/** Answers whether an address is in one of them; an IPv4 address that is mapped into IPv6 counts as itself. */
export type AddressRanges = (address: string) => boolean;

/** From CIDRs (`10.0.0.0/8`, `::1/128`) or single addresses. Throws RangeError naming the one that is neither. */
export function addressRanges(cidrs: readonly string[]): AddressRanges {
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
