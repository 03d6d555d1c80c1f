/** Whether a browser asks for something to show in a window, rather than a program or a part of a page. */
import type { IncomingMessage } from 'node:http';

/** By Fetch metadata (W3C), which no client of Kubernetes' sends. */
export function showsPage({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  return (method === 'GET' || method === 'POST') && headers['sec-fetch-mode'] === 'navigate';
}
