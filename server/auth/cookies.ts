/**
 * The portal's cookie. `__Host-` binds it to this host, to https and to the whole path; the instance in its name keeps
 * two portals on one host apart, since cookies do not know ports.
 */

/** `instance` is a part of the portal's id. */
export function sessionCookieName(instance: string): string {
  return `__Host-sallyport_${instance}`;
}

/** The Set-Cookie value of a new sign-in. */
export function sessionCookie(name: string, token: string, lifetimeMs: number): string {
  return `${name}=${token}; Path=/; Max-Age=${Math.floor(lifetimeMs / 1000)}; HttpOnly; Secure; SameSite=Lax`;
}

/** The Set-Cookie value that removes it. */
export function clearedSessionCookie(name: string): string {
  return `${name}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax`;
}

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
