/** What an audit event may say of a request's query: enough to know what was asked, no credential. Pure. */

const secretNames =
  /(token|secret|password|passwd|pwd|apikey|api_key|access_key|auth|credential|signature|session|code|jwt)/i;

/** Longer queries are cut: a continue token says nothing to a reader. */
const MAX = 2048;

/** The query with the values of what sounds like a credential masked; `continue` is left out. */
export function redactQuery(query: string): string {
  const kept = query
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '' && !pair.startsWith('continue='))
    .map((pair) => {
      const name = pair.split('=', 1)[0]!;
      return secretNames.test(decode(name)) && pair.includes('=') ? `${name}=***` : pair;
    });
  if (kept.length === 0) return '';
  const text = `?${kept.join('&')}`;
  return text.length > MAX ? `${text.slice(0, MAX)}…` : text;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
