/** A portal's address as a person gives it, and what may be one. */
import { misused } from './failure.ts';

/** RFC 6761 and the loopback ranges: what never leaves this machine. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
  );
}

/** The origin. Throws Failure for what is no address, and for http to another machine: a token would travel in clear. */
export function portalOrigin(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw misused(`“${text}” is no address. A portal’s begins with https://.`);
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw misused(`“${text}” is no address of a portal. It begins with https://.`);
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    throw misused(`“${text}” is not encrypted, and is not this machine. A portal elsewhere is reached by https://.`);
  if (url.username || url.password || url.search || url.hash || url.pathname !== '/')
    throw misused(`A portal’s address is its host alone, as in ${url.protocol}//${url.host}.`);
  return url.origin;
}
