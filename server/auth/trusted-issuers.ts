/**
 * The keys of the issuers that trusts name (OpenID Connect Discovery 1.0): read when they are needed, kept for minutes,
 * and read again where a token names a key that nobody knows, at most every half minute, however many such tokens come.
 */
import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWTHeaderParameters,
} from 'jose';
import { Problem } from '../domain/problem.ts';
import { unavailable } from './guarded-json.ts';

/** A key that the issuer withdrew is good for no longer than this. */
const KEYS_LIFE_MS = 10 * 60_000;
/** Between two reads, successful or not. */
const READ_EVERY_MS = 30_000;
/** Issuers remembered; past it, the ones that came first are forgotten. */
const MOST_ISSUERS = 200;
const MOST_KEYS = 100;

export type TrustedIssuersDeps = {
  /** See readGuardedJson. */
  read(url: string): Promise<unknown>;
  now: () => Date;
};

type GetKey = (header: JWTHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;
type Known = {
  keys: GetKey | null;
  readAt: number;
  /** The last read, which failed. */
  failure: unknown;
  triedAt: number;
  reading: Promise<void> | null;
};

export class TrustedIssuers {
  readonly #deps: TrustedIssuersDeps;
  readonly #known = new Map<string, Known>();

  constructor(deps: TrustedIssuersDeps) {
    this.#deps = deps;
  }

  /** For jose's jwtVerify. It throws Problem `issuer-unavailable`, `address-refused`, or jose's own error. */
  keysOf(issuer: string): GetKey {
    return async (header, token) => {
      const known = this.#of(issuer);
      if (!known.keys || this.#now() - known.readAt >= KEYS_LIFE_MS) await this.#refresh(issuer, known);
      const keys = known.keys;
      if (!keys) throw known.failure;
      try {
        return await keys(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || !this.#mayRead(known)) throw error;
        await this.#refresh(issuer, known);
        if (!known.keys) throw known.failure;
        return known.keys(header, token);
      }
    };
  }

  /** Reads its keys now, for who registers a trust. Throws Problem `issuer-unavailable`, `address-refused`. */
  async probe(issuer: string): Promise<void> {
    await this.#read(issuer);
  }

  #of(issuer: string): Known {
    const found = this.#known.get(issuer);
    if (found) return found;
    const fresh: Known = { keys: null, readAt: 0, failure: null, triedAt: Number.NEGATIVE_INFINITY, reading: null };
    if (this.#known.size >= MOST_ISSUERS) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(issuer, fresh);
    return fresh;
  }

  #now(): number {
    return this.#deps.now().getTime();
  }

  #mayRead(known: Known): boolean {
    return known.reading !== null || this.#now() - known.triedAt >= READ_EVERY_MS;
  }

  /** Whoever comes meanwhile waits for the same read. Keys that are too old are gone where none can be read. */
  async #refresh(issuer: string, known: Known): Promise<void> {
    if (this.#mayRead(known)) {
      known.triedAt = this.#now();
      known.reading ??= this.#read(issuer)
        .then(
          (keys) => Object.assign(known, { keys, readAt: this.#now(), failure: null }),
          (failure: unknown) => Object.assign(known, { failure }),
        )
        .then(() => {
          known.reading = null;
        });
      await known.reading;
    }
    if (this.#now() - known.readAt >= KEYS_LIFE_MS) known.keys = null;
  }

  async #read(issuer: string): Promise<GetKey> {
    const host = new URL(issuer).host;
    const metadata = record(await this.#deps.read(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`));
    // Discovery 4.3: what another issuer says of itself is not this one's.
    if (metadata['issuer'] !== issuer) throw unavailable(host, 'its metadata is of another issuer');
    if (typeof metadata['jwks_uri'] !== 'string') throw unavailable(host, 'its metadata names no jwks_uri');
    const body = record(await this.#deps.read(metadata['jwks_uri']));
    if (!Array.isArray(body['keys']) || body['keys'].length > MOST_KEYS)
      throw unavailable(host, 'what its jwks_uri names is no set of keys');
    try {
      return createLocalJWKSet(body as unknown as JSONWebKeySet) as GetKey;
    } catch (cause) {
      throw unavailable(host, 'what its jwks_uri names is no set of keys', cause);
    }
  }
}

function record(body: unknown): Record<string, unknown> {
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
}

/** Whether asking again may help. */
export function isIssuerAway(error: unknown): error is Problem {
  return error instanceof Problem && (error.code === 'issuer-unavailable' || error.code === 'address-refused');
}
