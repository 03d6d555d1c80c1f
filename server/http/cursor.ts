/** Cursors of paged lists: opaque to callers, the key of the last item to us. */
import { Problem } from '../domain/problem.ts';

export function toCursor(key: string): string {
  return Buffer.from(key, 'utf8').toString('base64url');
}

/** Throws Problem `invalid-request` for what is no cursor of ours. */
export function fromCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  if (!/^[A-Za-z0-9_-]{1,512}$/.test(cursor))
    throw new Problem('invalid-request', 400, 'This cursor is not one that the portal gave.');
  return Buffer.from(cursor, 'base64url').toString('utf8');
}
