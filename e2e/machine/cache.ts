/** Things that are made once per version and kept for every checkout on this machine. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export function cacheFolder(...names: string[]): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sallyport', ...names);
}

/** As Go and Kubernetes name it: `linux-amd64`. */
export function platform(): string {
  return `linux-${process.arch === 'arm64' ? 'arm64' : 'amd64'}`;
}
