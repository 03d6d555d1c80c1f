/** What an IP address is for, so that rules can be said in words. Pure; ranges from the IANA special-purpose registries. */

/** `link-local` holds the clouds' metadata services; `reserved` what no unicast connection can mean. */
export type AddressClass = 'public' | 'private' | 'loopback' | 'link-local' | 'reserved';

/** Throws RangeError where the text is no IP address. IPv4 inside IPv6 (mapped, NAT64, 6to4) counts as its IPv4. */
export function classifyAddress(address: string): AddressClass {
  const four = parseIPv4(address);
  if (four) return classifyIPv4(four);
  const six = parseIPv6(address);
  if (!six) throw new RangeError(`${address} is not an IP address`);
  return classifyIPv6(six);
}

/**
 * One spelling for each address that a connection can end at: what is compared as text must not have two. IPv4 inside
 * IPv6 counts as its IPv4, as {@link classifyAddress} has it. Throws RangeError where the text is no IP address.
 */
export function canonicalAddress(address: string): string {
  const four = parseIPv4(address) ?? embeddedIPv4(parseIPv6(address) ?? []);
  if (four) return four.join('.');
  const six = parseIPv6(address);
  if (!six) throw new RangeError(`${address} is not an IP address`);
  return six.map((word) => word.toString(16)).join(':');
}

function classifyIPv4([a, b, c, d]: Octets): AddressClass {
  // Alibaba Cloud's metadata service sits in the shared range, Oracle's older one in 192.0.0.0/24.
  if (a === 100 && b === 100 && c === 100 && d === 200) return 'link-local';
  if (a === 192 && b === 0 && c === 0) return 'link-local';
  if (a === 169 && b === 254) return 'link-local';
  // 168.63.129.16 is Azure's wire server: it answers every virtual machine with its secrets.
  if (a === 168 && b === 63 && c === 129 && d === 16) return 'link-local';
  if (a === 127) return 'loopback';
  if (a === 0 || a >= 224) return 'reserved';
  if (a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)) return 'private';
  if (a === 100 && b >= 64 && b < 128) return 'private';
  if (a === 198 && (b === 18 || b === 19)) return 'private';
  return 'public';
}

function classifyIPv6(words: number[]): AddressClass {
  const [a = 0, b = 0, , , , , , h = 0] = words;
  const leading = words.findIndex((word) => word !== 0);
  if (leading === -1) return 'reserved';
  if (leading === 7 && h === 1) return 'loopback';
  const four = embeddedIPv4(words);
  if (four) return classifyIPv4(four);
  // AWS serves instance metadata at fd00:ec2::254, Google at fd20:ce::254.
  if ((a === 0xfd00 && b === 0xec2) || (a === 0xfd20 && b === 0xce)) return 'link-local';
  if ((a & 0xffc0) === 0xfe80) return 'link-local';
  if ((a & 0xfe00) === 0xfc00 || (a & 0xffc0) === 0xfec0) return 'private';
  if ((a & 0xff00) === 0xff00) return 'reserved';
  return 'public';
}

/**
 * The IPv4 address where the packet ends: ::ffff:0:0/96 mapped, ::ffff:0:0:0/96 translated, ::/96 compatible,
 * 64:ff9b::/96 and 64:ff9b:1::/48 NAT64, 2002::/16 6to4. Null where there is none; `::` and `::1` are none.
 */
function embeddedIPv4(words: number[]): Octets | null {
  const [a = 0, b = 0, c = 0, , e = 0, f = 0, g = 0, h = 0] = words;
  const leading = words.findIndex((word) => word !== 0);
  if (leading === -1 || (leading === 7 && h === 1)) return null;
  const mapped = leading === 5 && f === 0xffff;
  const translated = leading === 4 && e === 0xffff && f === 0;
  const nat64 = a === 0x64 && b === 0xff9b;
  if (leading >= 6 || mapped || translated || nat64) return octets(g, h);
  return a === 0x2002 ? octets(b, c) : null;
}

type Octets = [number, number, number, number];

function octets(high: number, low: number): Octets {
  return [high >> 8, high & 255, low >> 8, low & 255];
}

/** Dotted decimal only: what inet_aton also takes (octal, hex, fewer parts) is no address here. */
function parseIPv4(text: string): Octets | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return null;
  return parts.map(Number) as Octets;
}

function parseIPv6(text: string): number[] | null {
  const bare = text.replace(/%.*$/, '');
  const halves = bare.split('::');
  if (halves.length > 2 || !/^[0-9a-f:.]+$/i.test(bare)) return null;
  const [head, tail] = halves.map(words);
  if (!head || (halves.length === 2 && !tail)) return null;
  const count = head.length + (tail?.length ?? 0);
  if (halves.length === 1) return count === 8 ? head : null;
  return count > 7 ? null : [...head, ...Array<number>(8 - count).fill(0), ...tail!];
}

function words(text: string): number[] | null {
  if (text === '') return [];
  const out: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const four = index === parts.length - 1 ? parseIPv4(part) : null;
    if (four) out.push((four[0] << 8) | four[1], (four[2] << 8) | four[3]);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) out.push(Number.parseInt(part, 16));
    else return null;
  }
  return out;
}
