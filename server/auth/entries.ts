/**
 * How a browser that is signed in at the portal is let in at an origin of the proxy domain, where the portal's cookie
 * never arrives: the portal's page is given an intent; the origin marks the browser with a nonce and sends it to the
 * portal, which makes of the intent, with its sign-in, a code for that nonce; the origin takes the code. Each is used
 * once, and what stands behind it is the sign-in, the origin and the browser together.
 */
import { randomUUID } from 'node:crypto';
import type { Db } from '../../db/client.ts';
import { dropEntries, insertEntry, intentToCode, takeCode } from '../../db/queries/entries.ts';
import { Problem } from '../domain/problem.ts';
import { hashSecret, newSecret, SECRET_PATTERN } from './tokens.ts';

/** From the click to the portal's answer. */
const INTENT_MS = 60_000;
const CODE_MS = 30_000;

export type Entry = { sessionId: string; webSessionId: string; path: string };

export type EntriesDeps = { db: Db; now(): Date };

export class Entries {
  readonly #deps: EntriesDeps;

  constructor(deps: EntriesDeps) {
    this.#deps = deps;
  }

  /** For a person's own session, asked for on a page of the portal. */
  async intend(entry: Entry): Promise<string> {
    const intent = newSecret();
    await this.#insert(entry, { intentHash: hashSecret(intent) }, INTENT_MS);
    return intent;
  }

  /** @param nonceHash SHA-256 of the browser's nonce, base64url. Throws Problem `entry-refused`. */
  async codeFor(intent: string, webSessionId: string, nonceHash: string): Promise<Entry & { code: string }> {
    const { db, now } = this.#deps;
    const code = newSecret();
    const at = now();
    const row =
      SECRET_PATTERN.test(intent) && SECRET_PATTERN.test(nonceHash)
        ? await intentToCode(
            db,
            { hash: hashSecret(intent), webSessionId, now: at },
            {
              codeHash: hashSecret(code),
              nonceHash: Buffer.from(nonceHash, 'base64url'),
              expiresAt: new Date(at.getTime() + CODE_MS),
            },
          )
        : undefined;
    if (!row) throw entryRefused();
    return { ...entryOf(row), code };
  }

  /** As {@link codeFor}, for a session of somebody else's that leads here by a link. */
  async code(entry: Entry, nonceHash: string): Promise<string> {
    if (!SECRET_PATTERN.test(nonceHash)) throw entryRefused();
    const code = newSecret();
    const hashes = { codeHash: hashSecret(code), nonceHash: Buffer.from(nonceHash, 'base64url') };
    await this.#insert(entry, hashes, CODE_MS);
    return code;
  }

  /** What the code was for. Used up whether it fits or not. Throws Problem `entry-refused`. */
  async redeem(code: string, nonce: string): Promise<Entry> {
    const { db, now } = this.#deps;
    const row = SECRET_PATTERN.test(code) ? await takeCode(db, hashSecret(code)) : undefined;
    if (!row || row.expiresAt <= now() || !row.nonceHash?.equals(hashSecret(nonce))) throw entryRefused();
    return entryOf(row);
  }

  async #insert(entry: Entry, hashes: { intentHash?: Buffer; codeHash?: Buffer; nonceHash?: Buffer }, ms: number) {
    const { db, now } = this.#deps;
    const at = now();
    await dropEntries(db, at);
    const none = { intentHash: null, codeHash: null, nonceHash: null };
    await insertEntry(db, {
      id: randomUUID(),
      ...entry,
      ...none,
      ...hashes,
      expiresAt: new Date(at.getTime() + ms),
    });
  }
}

/** A nonce for a browser, and what the portal is told of it. */
export function newNonce(): { nonce: string; hash: string } {
  const nonce = newSecret();
  return { nonce, hash: hashSecret(nonce).toString('base64url') };
}

function entryOf({ sessionId, webSessionId, path }: Entry): Entry {
  return { sessionId, webSessionId, path };
}

function entryRefused(): Problem {
  return new Problem('entry-refused', 403, 'This way in is not good: it was used already, or is another browser’s.', {
    next: 'Open it once more from the portal’s own page.',
  });
}
