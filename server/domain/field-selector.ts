/** The part of Kubernetes' field selectors that decides on a request's name: as k8s.io/apimachinery/pkg/fields reads them. Pure. */

/** The value that `field` must have for anything to match; empty where none is demanded; null where the selector does not parse. */
export function requiredValue(selector: string, field: string): string | null {
  let found: string | undefined;
  // Sorted, as the API server does: of two demands on one field the first of the sorted ones counts.
  for (const term of splitTerms(selector).sort(byBytes)) {
    if (term === '') continue;
    const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
    const value = match ? unescapeValue(match[3]!) : null;
    if (!match || value === null) return null;
    if (match[1] === field && match[2] !== '!=') found ??= value;
  }
  return found ?? '';
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** At commas that no backslash precedes; backslashes stay. */
function splitTerms(selector: string): string[] {
  return selector.match(/(?:\\.|[^\\,]|\\$)+/gs) ?? [];
}

function unescapeValue(value: string): string | null {
  let out = '';
  for (let at = 0; at < value.length; at++) {
    const char = value[at]!;
    if (char === ',' || char === '=') return null;
    if (char !== '\\') {
      out += char;
      continue;
    }
    const next = value[++at];
    if (next !== '\\' && next !== ',' && next !== '=') return null;
    out += next;
  }
  return out;
}
