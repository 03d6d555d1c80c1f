/** Cuts what looks like a credential out of text that is about to be logged or shown. Pure. */

/**
 * Three base64url parts, each run of characters looked at once: what begins in the middle of a run would be tried again
 * and again (ReDoS, CWE-1333).
 */
const THREE_PARTS = /(?<![A-Za-z0-9_-])([A-Za-z0-9_-]{11,})(\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)/g;

/** JSON Web Tokens: the first part starts a JSON object, wherever in its run. */
function redactTokens(text: string): string {
  return text.replace(THREE_PARTS, (all, first: string) => {
    const at = first.search(/eyJ[A-Za-z0-9_-]{8}/);
    return at < 0 ? all : `${first.slice(0, at)}[redacted token]`;
  });
}

const PATTERNS: [RegExp, string][] = [
  // Our API tokens.
  [/\bsp_[A-Za-z0-9_-]{16,}/g, 'sp_[redacted]'],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9+/=._~-]{8,}/gi, '$1 [redacted]'],
  // Passwords in URLs, a database's for one.
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/[^\s/:@"\\]*):[^\s/@"\\]+@/gi, '$1:[redacted]@'],
  // PHC strings.
  [/\$argon2(id|i|d)\$[^\s"\\]+/g, '[redacted hash]'],
  // Session cookies.
  [/(__(?:Host|Secure)-[A-Za-z0-9_.-]{1,64})=[^\s;"\\]+/g, '$1=[redacted]'],
  // One that was cut off has no end: then all the rest is taken for it.
  [/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)/g, '[redacted key]'],
];

/** What each of the patterns needs somewhere; most texts have none of it, and are looked at once. */
const SUSPICIOUS = /eyJ|sp_|bearer\s|basic\s|:\/\/|\$argon2|__(?:Host|Secure)-|-----BEGIN/i;

export function redactText(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  let redacted = redactTokens(text);
  for (const [pattern, replacement] of PATTERNS) redacted = redacted.replace(pattern, replacement);
  return redacted;
}

/**
 * An error, its stack and its causes as text fit for a log. A failed query's parameters (hashes, sealed keys, whatever
 * the row held) are left out.
 */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return redactText(String(error));
  const text = (error.stack ?? error.message).replace(/\nparams: [\s\S]*?(?=\n {4}at |$)/, '');
  return redactText(error.cause === undefined ? text : `${text}\ncaused by ${errorText(error.cause)}`);
}
