/** Which hosts and ports a sandbox may reach: patterns of the operator's allow-list. Pure. */
import { isIP } from 'node:net';

export type EgressTarget = { host: string; port: number };

/**
 * `host`, `host:port`, `*.domain` (any depth below, not the domain itself), `10.0.0.0/8:443` is not among them: an
 * address is allowed by being written out. Port 443 where none is said; `*` as port means any.
 */
export class EgressPolicy {
  readonly #patterns: { host: string; port: number | '*' }[];

  /** Throws RangeError naming the entry that is no pattern. */
  constructor(entries: readonly string[]) {
    this.#patterns = entries.map((entry) => {
      const match = /^(\[[0-9a-f:.]+\]|[^:[\]/]+)(?::(\d{1,5}|\*))?$/i.exec(entry.trim());
      const port = match?.[2] === '*' ? '*' : Number(match?.[2] ?? 443);
      const host = match ? normalise(match[1]!) : '';
      const name = /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/.test(
        host,
      );
      if (!(name || isIP(host)) || (port !== '*' && (port < 1 || port > 65_535)))
        throw new RangeError(`"${entry}" is no host, *.domain or IP address, with or without a port`);
      return { host, port };
    });
  }

  allows({ host, port }: EgressTarget): boolean {
    return this.#patterns.some(
      (pattern) =>
        (pattern.port === '*' || pattern.port === port) &&
        (pattern.host === host || (pattern.host.startsWith('*.') && host.endsWith(pattern.host.slice(1)))),
    );
  }
}

/** `host:port` of a CONNECT line; null where it is none. Names in lower case, without the root's dot. */
export function parseAuthority(authority: string): EgressTarget | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253}):(\d{1,5})$/i.exec(authority);
  const port = Number(match?.[2]);
  if (!match || port < 1 || port > 65_535) return null;
  const host = normalise(match[1]!);
  // Digits and dots alone are an address written oddly (0177.1, 2130706433): resolvers read those, people do not.
  if (host === '' || (!isIP(host) && /^(0x[0-9a-f]+|[0-9]+)(\.(0x[0-9a-f]+|[0-9]+))*$/.test(host))) return null;
  return { host, port };
}

function normalise(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}
