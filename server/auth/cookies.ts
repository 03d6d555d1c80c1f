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
