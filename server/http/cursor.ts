/** Cursors of paged lists: opaque to callers, the key of the last item to us. */
import { Problem } from '../domain/problem.ts';

export function toCursor(key: string): string {
  return Buffer.from(key, 'utf8').toString('base64url');
}

/** Throws Problem `invalid-cursor` for what is no cursor of ours. */
export function fromCursor(cursor: string): string {
  if (!/^[A-Za-z0-9_-]{1,512}$/.test(cursor)) throw badCursor();
  return Buffer.from(cursor, 'base64url').toString('utf8');
}

/** Of no list of ours, or of another. */
export function badCursor(): Problem {
  return new Problem('invalid-cursor', 400, 'cursor: this is none that the portal gave for this list.', {
    next: 'Start without one.',
  });
}
