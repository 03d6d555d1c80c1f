/** From a name that is allowed to the address that is dialled: resolved once, refused where the address is not fit. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { addressRanges, type AddressRanges } from '../address-ranges.ts';
import { canonicalAddress, classifyAddress } from '../domain/addresses.ts';
import { Problem } from '../domain/problem.ts';
import type { EgressTarget } from './egress-policy.ts';

/** All addresses of a name. Rejects where it does not resolve. */
export type ResolveName = (host: string) => Promise<string[]>;
export const systemResolver: ResolveName = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);

export type ApiServers = () => Promise<readonly EgressTarget[]>;

/** How long an API server's resolved addresses are believed. Its name seldom moves, and each connection asks. */
const API_SERVER_MS = 30_000;

export class EgressAddresses {
  readonly #private: AddressRanges;
  readonly #apiServers: ApiServers;
  readonly #resolveName: ResolveName;
  #known: { at: number; of: string; addresses: Promise<ReadonlySet<string>> } | null = null;

  /** Throws where a range is not `address/bits`. */
  constructor(privateRanges: readonly string[], apiServers: ApiServers, resolveName = systemResolver) {
    this.#apiServers = apiServers;
    this.#resolveName = resolveName;
    this.#private = addressRanges(privateRanges);
  }

  /**
   * Addresses to dial, in order. One unfit address refuses the name: a name that answers with a public and an inner
   * address is being rebound. Throws Problem `egress-address-refused` or `egress-unresolved`.
   */
  async resolve(target: EgressTarget): Promise<string[]> {
    const found = isIP(target.host)
      ? [target.host]
      : await this.#resolveName(target.host).catch((cause: unknown) => {
          throw new Problem('egress-unresolved', 502, `The name ${target.host} does not resolve.`, { cause });
        });
    const apiServers = await this.#apiServerAddresses();
    for (const address of found) {
      const fault = this.#faultOf(address, target.port, apiServers);
      if (fault)
        throw new Problem('egress-address-refused', 403, `${target.host} is at ${address}, ${fault}.`, {
          next: 'The way to a cluster is kubectl; other inner addresses are for the operator to allow.',
          meta: { address },
        });
    }
    return found;
  }

  #faultOf(address: string, port: number, apiServers: ReadonlySet<string>): string | null {
    if (apiServers.has(`${canonicalAddress(address)} ${port}`))
      return 'which is the API server of a registered cluster';
    const kind = classifyAddress(address);
    if (kind === 'loopback') return 'which is the machine that the portal runs on';
    if (kind === 'link-local') return 'which is where metadata services are';
    if (kind === 'reserved') return 'which is no address of one machine';
    if (kind === 'private' && !this.#private(address)) return 'in a private range that the operator has not allowed';
    return null;
  }

  /** Names are resolved now and then; which servers there are is asked each time: one registered just now counts. */
  async #apiServerAddresses(): Promise<ReadonlySet<string>> {
    const servers = await this.#apiServers();
    const of = JSON.stringify(servers);
    const now = Date.now();
    if (this.#known?.of !== of || now - this.#known.at > API_SERVER_MS)
      this.#known = { at: now, of, addresses: this.#resolveApiServers(servers) };
    return this.#known.addresses;
  }

  async #resolveApiServers(servers: readonly EgressTarget[]): Promise<ReadonlySet<string>> {
    const resolved = await Promise.all(
      servers.map(async ({ host, port }) => {
        // A name that does not resolve is reached by nobody.
        const all = isIP(host) ? [host] : await this.#resolveName(host).catch(() => []);
        return all.map((address) => `${canonicalAddress(address)} ${port}`);
      }),
    );
    return new Set(resolved.flat());
  }
}
