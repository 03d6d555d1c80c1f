import type { Cluster } from '../../server/http/schemas.ts';

/** Recently used first, in that order; the rest by name. */
export function byRecency<T extends Pick<Cluster, 'name'>>(clusters: T[], recent: string[]): T[] {
  const place = (name: string) => {
    const at = recent.indexOf(name);
    return at < 0 ? recent.length : at;
  };
  return clusters.toSorted(
    (a, b) => place(a.name) - place(b.name) || a.name.localeCompare(b.name, 'en', { numeric: true }),
  );
}

/** Those whose name or roles hold every typed word. */
export function matching<T extends Pick<Cluster, 'name' | 'roles' | 'production'>>(clusters: T[], filter: string): T[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return clusters.filter((cluster) => {
    const text = `${cluster.name} ${cluster.roles.join(' ')} ${cluster.production ? 'production' : ''}`;
    return words.every((word) => text.includes(word));
  });
}
