/**
 * JSON from addresses that administrators name (issuers of id tokens): https alone, at addresses that the operator's
 * rules let through after DNS, redirects not followed, bounded in time and size.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { LookupFunction } from 'node:net';
import { Problem } from '../domain/problem.ts';
import { readBounded } from '../domain/read-bounded.ts';

export type AddressGuard = {
  /** Hands out allowed addresses only. */
  lookup: LookupFunction;
  /** Throws Problem `address-refused` for a host that is such an address itself: those are never looked up. */
  literal(host: string): void;
};

/** Ms, for all of it. */
const PATIENCE_MS = 10_000;
/** Bytes; metadata and keys are far smaller. */
const MOST_BYTES = 256 * 1024;

/** Throws Problem `issuer-unavailable`, naming host and reason, or `address-refused`. */
export async function readGuardedJson(url: string, guard: AddressGuard): Promise<unknown> {
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:') throw unavailable(url.slice(0, 200), 'it is no https');
  const { host, hostname } = new URL(url);
  try {
    guard.literal(hostname);
    const outgoing = request(url, {
      // A connection for each: who resolves to what is asked anew.
      agent: false,
      lookup: guard.lookup,
      headers: { accept: 'application/json, application/jwk-set+json', 'user-agent': 'sallyport' },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    outgoing.end();
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    try {
      if (answer.statusCode !== 200) throw new Error(`it answered ${answer.statusCode}`);
      // Nothing of the kind was asked for.
      if (answer.headers['content-encoding'] !== undefined) throw new Error('its answer is packed');
      const bytes = await readBounded(answer, MOST_BYTES, () => new Error('its answer is too long'));
      return JSON.parse(bytes.toString('utf8')) as unknown;
    } finally {
      answer.destroy();
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    const { name, message, code } = error as NodeJS.ErrnoException;
    const why =
      name === 'AbortError' ? 'it took too long' : error instanceof SyntaxError ? 'its answer is no JSON' : null;
    throw unavailable(host, why ?? code ?? message, error);
  }
}

export function unavailable(host: string, why: string, cause?: unknown): Problem {
  return new Problem('issuer-unavailable', 502, `The issuer at ${host} could not be asked: ${why.slice(0, 200)}.`, {
    next: 'Try again; if it stays, compare the issuer with the "iss" of its tokens.',
    meta: { host },
    cause,
  });
}
