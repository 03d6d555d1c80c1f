/** Reading and cutting Cookie and Set-Cookie headers (RFC 6265). Pure. */

/** The value of cookie `name` in a Cookie header; undefined where it is missing, or there twice with different values. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  const values = new Set(
    pairs(header)
      .filter((pair) => pair.name === name)
      .map((pair) => pair.value),
  );
  return values.size === 1 ? [...values][0] : undefined;
}

/** The Cookie header without those that `drop` names; undefined where nothing is left. */
export function withoutCookies(header: string | undefined, drop: (name: string) => boolean): string | undefined {
  const kept = pairs(header).filter((pair) => !drop(pair.name));
  return kept.length ? kept.map((pair) => `${pair.name}=${pair.value}`).join('; ') : undefined;
}

/** Ours, at whatever address: a prefix that no service's cookie may have. Browsers compare names to the letter, we do not. */
export function isOurCookie(name: string): boolean {
  return /^(__(host|secure)-)?sallyport/i.test(name);
}

/**
 * Whether a service may set it: not one of our names, and for its own address alone. A Domain would reach the portal
 * and the services beside it (cookie tossing).
 */
export function mayBeSet(setCookie: string): boolean {
  const [pair, ...attributes] = setCookie.split(';');
  const at = pair!.indexOf('=');
  // What has no `=` is a value without a name to browsers, and may read as a name to servers.
  const name = (at < 0 ? pair! : pair!.slice(0, at)).trim();
  if (isOurCookie(name) || (name === '' && isOurCookie(pair!.slice(at + 1).trim()))) return false;
  return !attributes.some((attribute) => /^\s*domain\s*(=|$)/i.test(attribute));
}

function pairs(header: string | undefined): { name: string; value: string }[] {
  return (header ?? '')
    .split(';')
    .map((part) => part.trim())
    .filter(Boolean)
    .map((part) => {
      const at = part.indexOf('=');
      return at < 0 ? { name: '', value: part } : { name: part.slice(0, at).trim(), value: part.slice(at + 1).trim() };
    });
}
