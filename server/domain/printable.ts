/** Text of people and identity providers, without what a terminal, a page or a database would take for more. Pure. */

// Control characters; what turns the direction of the text around it, so that a name reads as another (CVE-2021-42574);
// the two separators that only some programs take for the end of a line. Joiners stay: scripts and emoji need them.
const UNPRINTABLE = String.raw`\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029`;

/** For schemas: text of one line that shows what it is. */
export const PRINTABLE = new RegExp(`^[^${UNPRINTABLE}]*$`, 'u');

const unprintable = new RegExp(`[${UNPRINTABLE}]`, 'gu');

/** What is left of names that come from elsewhere and cannot be sent back. */
export function printable(text: string): string {
  return text.toWellFormed().replace(unprintable, '');
}

/**
 * What Postgres takes: its text and jsonb hold neither U+0000 nor half a surrogate pair. U+FFFD shows that there was
 * something. Deep, for JSON values; keys are ours.
 */
export function storable<T>(value: T): T {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\ufffd') as T;
  if (Array.isArray(value)) return value.map(storable) as T;
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, storable(one)])) as T;
}
