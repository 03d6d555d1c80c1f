/** A person's short name: a DNS label, part of service-account names, so that the cluster's own log names the person. */

/** Leaves room for prefix and session id in a Kubernetes name of 63 characters. */
const LONGEST = 40;

/** From the part of an email before the @, or a name: lower-case letters, digits and `-`, starting with a letter. */
export function slugFrom(words: string): string {
  const plain = words
    .split('@')[0]!
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, LONGEST)
    .replace(/^-+|-+$/g, '');
  if (!plain) return 'user';
  return /^[a-z]/.test(plain) ? plain : trim(`u-${plain}`, LONGEST);
}

/** The first of `base`, `base-2`, `base-3`… that nobody has. */
export function freeSlug(base: string, taken: ReadonlySet<string>): string {
  if (!taken.has(base)) return base;
  for (let i = 2; ; i++) {
    const suffix = `-${i}`;
    const slug = trim(base, LONGEST - suffix.length) + suffix;
    if (!taken.has(slug)) return slug;
  }
}

function trim(slug: string, length: number): string {
  return slug.slice(0, length).replace(/-+$/, '');
}
