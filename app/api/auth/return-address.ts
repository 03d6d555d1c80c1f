/** Where a sign-in leads back to: an address of the portal's own pages, or its first page. */

/**
 * The path, query and fragment of `wish` where it lies on `origin`; `/` for anything else. An address on another host,
 * however it is written (`//host`, `/\host`, `javascript:`, control characters that browsers drop), is not followed.
 */
export function returnAddress(wish: string | null | undefined, origin: string): string {
  if (!wish || wish.length > 2048 || hasControls(wish) || wish.includes('\\')) return '/';
  if (!wish.startsWith('/') && !wish.startsWith(`${origin}/`)) return '/';
  const url = URL.parse(wish, origin);
  if (!url || url.origin !== origin || url.username || url.password) return '/';
  // `http://origin//other` is ours, but as a path it would lead elsewhere.
  if (url.pathname.startsWith('//')) return '/';
  if (/^\/(api|sign-in)(\/|$)/.test(url.pathname)) return '/';
  return url.pathname + url.search + url.hash;
}

function hasControls(text: string): boolean {
  for (const character of text) if (character < ' ' || character === '\u007f') return true;
  return false;
}
