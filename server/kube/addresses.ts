/** Which addresses the portal dials for what administrators name, clusters and issuers: decided after DNS, on the address that is then connected to. */
import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { addressRanges } from '../address-ranges.ts';
import { bareHost } from '../domain/bare-host.ts';
import { classifyAddress } from '../domain/addresses.ts';
import { Problem } from '../domain/problem.ts';

export type AddressRules = {
  /** Whether clusters may have loopback and private addresses; ranges: those in them alone. */
  allowPrivate: boolean | readonly string[];
  /** Where the operator says so. Default: for clusters. */
  allowedBy?: 'SALLYPORT_CLUSTER_PRIVATE' | 'SALLYPORT_ISSUER_PRIVATE';
  /** Default: the machine's own. */
  resolveName?: ResolveName;
};

/** As node's `dns.lookup` with `all`. */
export type ResolveName = (
  host: string,
  options: LookupOptions & { all: true },
  done: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void;

/** Throws Problem `address-refused` where the rules do not let the portal connect to this IP address. */
export function checkAddress(address: string, rules: AddressRules): void {
  const kind = classifyAddress(address);
  if (kind === 'public') return;
  const inside = kind === 'private' || kind === 'loopback';
  if (inside && allows(rules, address)) return;
  const { allowedBy = 'SALLYPORT_CLUSTER_PRIVATE' } = rules;
  const why = inside ? `${reasons[kind]}, which the operator has not allowed (${allowedBy})` : reasons[kind];
  const otherwise =
    allowedBy === 'SALLYPORT_CLUSTER_PRIVATE'
      ? ', or registers the cluster on the server: node server/admin.ts cluster add'
      : '';
  throw new Problem('address-refused', 422, `The portal does not connect to ${address}: ${why}.`, {
    next: inside
      ? `The operator allows it in ${allowedBy} (${address}, its network, or on)${otherwise}.`
      : 'Give another address.',
    meta: { address },
  });
}

function allows({ allowPrivate }: AddressRules, address: string): boolean {
  return typeof allowPrivate === 'boolean' ? allowPrivate : addressRanges(allowPrivate)(address);
}

const reasons = {
  private: 'it is in a private range',
  loopback: 'it is on the loopback interface',
  'link-local': 'link-local addresses hold metadata services, and nothing else that it has to do with',
  reserved: 'it is no address of one machine',
} as const;

/**
 * A `lookup` for net.connect and tls.connect that hands out allowed addresses only. One refused address refuses the
 * name: a name that resolves to a public and a metadata address is an attack, not a cluster.
 */
export function guardedLookup(rules: AddressRules): LookupFunction {
  const resolveName: ResolveName = rules.resolveName ?? dnsLookup;
  return (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      try {
        for (const { address } of addresses) checkAddress(address, rules);
      } catch (refused) {
        return callback(refused as Error, '', 0);
      }
      if (options.all) return callback(null, addresses);
      const first = addresses[0]!;
      callback(null, first.address, first.family);
    });
  };
}

/** IP addresses in URLs are never looked up: they are checked here. Throws as {@link checkAddress}. */
export function checkLiteralHost(host: string, rules: AddressRules): void {
  const bare = bareHost(host);
  if (isIP(bare)) checkAddress(bare, rules);
}
