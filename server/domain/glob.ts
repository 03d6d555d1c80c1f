/**
 * Globs for names and paths. Pure, and in time in proportion to pattern times text: neither can be chosen so that a
 * match takes longer (patterns are an administrator's, texts anybody's).
 */

/** `*` stands for any run of characters, other characters for themselves. */
export function matchesName(pattern: string, name: string): boolean {
  return matches(pattern, name, false);
}

/** As {@link matchesName}, but `*` stops at a slash and `**` does not. `/a/**` matches `/a/` and what is below it. */
export function matchesPath(pattern: string, path: string): boolean {
  return matches(pattern, path, true);
}

/** Walks the text once, keeping all places of the pattern at which it could stand. */
function matches(pattern: string, text: string, segmented: boolean): boolean {
  const tokens = tokensOf(pattern, segmented);
  let at = reached(new Set([0]), tokens);
  for (const char of text) {
    const next = new Set<number>();
    for (const place of at) {
      const token = tokens[place];
      if (token === undefined) continue;
      if (token === ANY || (token === WITHIN && char !== '/')) next.add(place);
      else if (token === char) next.add(place + 1);
    }
    if (next.size === 0) return false;
    at = reached(next, tokens);
  }
  return at.has(tokens.length);
}

/** No character of a text: those are one code point each. */
const ANY = '**';
const WITHIN = '*+';

function tokensOf(pattern: string, segmented: boolean): string[] {
  const tokens: string[] = [];
  for (const char of pattern) {
    if (char !== '*') tokens.push(char);
    else if (!segmented) tokens.push(ANY);
    else if (tokens.at(-1) === WITHIN) tokens[tokens.length - 1] = ANY;
    else if (tokens.at(-1) !== ANY) tokens.push(WITHIN);
  }
  return tokens;
}

/** A star may stand for nothing. */
function reached(places: Set<number>, tokens: readonly string[]): Set<number> {
  for (const place of places) {
    const token = tokens[place];
    if (token === ANY || token === WITHIN) places.add(place + 1);
  }
  return places;
}
